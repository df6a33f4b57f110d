"""Budgets of posts in SQL, round trips and commands; they do not grow with the number of posts."""

from contextlib import contextmanager

import pytest

from caching.testutils import redis_usage
from posts import services
from tests.support.budgets import budget, measure

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(alice, bob, write):
    posts = [write(alice, f"Post {number}") for number in range(20)]
    for post in posts[::2]:
        services.like(user_id=bob.pk, post_id=post.pk)
        services.add_favorite(user_id=bob.pk, post_id=post.pk)
    return posts


def warm(api, address, by, **costs):
    first = api.get(address, by=by)
    with budget(**costs):
        assert api.get(address, by=by).bytes == first.bytes
    return first.json


def test_a_home_page_makes_no_sql(api, alice, bob, page):
    found = warm(api, f"users/{alice.pk}/posts", bob, sql=0, round_trips=2, commands=4)
    assert [each["liked"] for each in found["results"]] == [number % 2 == 0 for number in range(19, 4, -1)]


def test_an_older_home_page_is_one_query(api, alice, bob, page):
    address = api.get(f"users/{alice.pk}/posts", by=bob).json["next"]
    warm(api, address, bob, sql=1, round_trips=2, commands=4)


@pytest.mark.parametrize("count", [1, 20])
def test_posts_are_two_round_trips(api, bob, page, count):
    ids = ",".join(str(post.pk) for post in page[:count])
    warm(api, f"posts?ids={ids}", bob, sql=0, round_trips=2, commands=4)


@pytest.mark.parametrize("count", [1, 50, 200])
def test_checking_favourites_is_one_round_trip(api, bob, page, count):
    ids = ",".join(str(page[0].pk + number) for number in range(count))
    warm(api, f"favorites/check?ids={ids}", bob, sql=0, round_trips=1, commands=2)


def test_the_list_of_favourites_is_one_query(api, bob, page):
    warm(api, "favorites", bob, sql=1, round_trips=3, commands=5)


def test_comments_are_two_queries_and_likers_one(api, alice, bob, carol, page):
    for person in (alice, carol):
        services.comment(post_id=page[0].pk, author_id=person.pk, text="Hi")
        services.like(user_id=person.pk, post_id=page[0].pk)
    warm(api, f"posts/{page[0].pk}/comments", bob, sql=2, round_trips=3, commands=5)
    warm(api, f"posts/{page[0].pk}/likers", bob, sql=1, round_trips=3, commands=5)


@pytest.mark.parametrize("verb", ["like", "favorite"])
def test_likes_and_favourites(api, bob, post, verb):
    # Round trips: caller and post, hold, lift with increment and answer.
    for method, sql, round_trips, commands in (
        ("PUT", 2, 3, 6),  # insert, delta
        ("PUT", 4, 3, 5),  # insert, author, blocks, existing like
        ("DELETE", 4, 3, 6),  # existing like, its contribution to counters, delete, delta
        ("DELETE", 1, 2, 3),
    ):
        api.get(f"posts/{post.pk}", by=bob)
        with budget(sql=sql, round_trips=round_trips, commands=commands):
            assert api.request(method, f"posts/{post.pk}/{verb}", by=bob).status == 200


@pytest.mark.parametrize("change", [services.like, services.unlike, services.add_favorite, services.remove_favorite])
def test_a_mark_is_one_hold_and_one_lift(bob, post, change):
    pair = {"user_id": bob.pk, "post_id": post.pk}
    if change in (services.unlike, services.remove_favorite):
        services.like(**pair)
        services.add_favorite(**pair)
    with redis_usage() as usage:
        assert change(**pair)
    assert usage.round_trips == 2


def test_comments_written_and_deleted(api, bob, post):
    api.get(f"posts/{post.pk}", by=bob)
    with budget(sql=2, round_trips=2, commands=3):  # insert, delta; caller, increment with author
        comment = api.post(f"posts/{post.pk}/comments", {"text": "Hi"}, by=bob).json
    for sql, round_trips, commands in (
        (5, 2, 2),  # comment and post, deleted_by, contribution to counters, delete, delta; increment
        (2, 1, 1),
    ):
        with budget(sql=sql, round_trips=round_trips, commands=commands):
            assert api.delete(f"comments/{comment['id']}", by=bob).status == 204


def test_posts_written_and_deleted(api, bob, post):
    """Upper bounds: the counters may be cached already by other requests."""
    api.get(f"posts/{post.pk}", by=bob)
    with at_most(sql=5, round_trips=9):  # insert, contribution to counters, delta; row and counters for the answer
        api.post("posts", {"text": "Hi"}, by=bob)
    with at_most(sql=8, round_trips=9):  # author, blocks, one more delta
        repost = api.post("posts", {"text": "Look", "repost_of": post.pk}, by=bob).json
    with at_most(sql=40, round_trips=12):  # mark, find rows that refer to it, twice, delete the post alone
        assert api.delete(f"posts/{repost['id']}", by=bob).status == 204


@contextmanager
def at_most(sql: int, round_trips: int):
    with measure() as cost:
        yield
    assert len(cost.sql) <= sql, cost.sql
    assert cost.round_trips <= round_trips, cost.round_trips

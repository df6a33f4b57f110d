"""Budgets of posts in SQL, round trips and commands; they do not grow with the number of posts."""

from contextlib import contextmanager

import pytest

from caching.testutils import redis_usage
from posts import services
from posts.models import HOME_PAGE, Post
from social.models import Follow
from tests.support.budgets import budget, measure
from users.models import User

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


def test_favourites_make_no_sql_and_older_ones_a_query(api, bob, page):
    warm(api, "favorites", bob, sql=0, round_trips=3, commands=5)
    address = api.get("favorites?limit=3", by=bob).json["next"]
    warm(api, address, bob, sql=1, round_trips=3, commands=5)


def test_comments_and_likers_make_no_sql_and_older_ones_a_query(api, alice, bob, carol, page):
    for person in (alice, carol):
        services.comment(post_id=page[0].pk, author_id=person.pk, text="Hi")
        services.like(user_id=person.pk, post_id=page[0].pk)
    for kind in ("comments", "likers"):
        warm(api, f"posts/{page[0].pk}/{kind}", bob, sql=0, round_trips=2, commands=3)
        address = api.get(f"posts/{page[0].pk}/{kind}?limit=1", by=bob).json["next"]
        warm(api, address, bob, sql=1, round_trips=2, commands=3)


@pytest.mark.parametrize("verb", ["like", "favorite"])
def test_likes_and_favourites(api, bob, post, verb):
    # Round trips: caller and post, hold, lift of the set and of the list with increment and answer.
    for method, sql, round_trips, commands in (
        ("PUT", 2, 3, 7),  # insert, delta
        ("PUT", 2, 3, 6),  # insert, why not
        ("DELETE", 3, 3, 7),  # existing like, delete, delta
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
    with budget(sql=2, round_trips=3, commands=5):  # insert, delta; caller, hold, lift with increment and author
        comment = api.post(f"posts/{post.pk}/comments", {"text": "Hi"}, by=bob).json
    for sql, round_trips, commands in (
        # comment and post, deleted_by, lock, contribution to counters, delete, delta; caller, hold, lift, increment
        (6, 3, 4),
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


@pytest.fixture
def followed(bob, new_user):
    """followed(count): bob follows so many users, of whom each has 17 posts, one more than a list."""

    def crowd(count):
        people = [new_user(f"author_{number}") for number in range(count)]
        Follow.objects.bulk_create([Follow(follower=bob, followee=person) for person in people])
        Post.objects.bulk_create([Post(author=person, text="Hi") for _ in range(17) for person in people])
        return people

    return crowd


@pytest.mark.parametrize("count", [1, 15, 120])
def test_a_feed_is_three_round_trips(api, bob, followed, count):
    followed(count)
    warm(api, "feed", bob, sql=0, round_trips=3, commands=5)
    warm(api, api.get("feed", by=bob).json["next"], bob, sql=int(count == 1), round_trips=3, commands=5)


def test_a_cold_feed_takes_a_query_for_a_hundred_lists(api, bob, followed):
    followed(120)
    lists = 2
    # caller, whom the caller follows; posts, counters, likes, favourites, blocks of both directions, authors
    cold = 2 + lists + 7
    with budget(sql=cold, round_trips=9, commands=15):
        assert len(api.get("feed", by=bob).json["results"]) == HOME_PAGE


def test_a_page_that_skips_an_author_who_wrote_all_the_newest_posts_takes_one_round_trip_more(api, bob, followed):
    gone, *_ = followed(5)
    Post.objects.bulk_create([Post(author=gone, text="Spam") for _ in range(100)])
    User.objects.update_one(gone.pk, is_active=False)
    found = warm(api, "feed", bob, sql=0, round_trips=4, commands=8)
    assert len(found["results"]) == HOME_PAGE


@pytest.mark.parametrize("fans", [3, 300])
def test_a_post_costs_the_same_whoever_follows(api, alice, bob, new_user, fans):
    people = [new_user(f"fan_{number}") for number in range(fans)]
    Follow.objects.bulk_create([Follow(follower=person, followee=alice) for person in people])
    services.publish(author_id=alice.pk, text="Hi")
    api.get("feed", by=people[0])
    with budget(sql=2, round_trips=3, commands=4):  # insert, delta; hold, author, lift
        written = services.publish(author_id=alice.pk, text="Ho")
    assert api.get("feed", by=people[0]).json["results"][0]["id"] == written.pk

"""What posts cost: SQL queries, Redis round trips and commands; and that more of them cost no more."""

import pytest

from posts import services
from tests.users.test_budgets import budget

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
    found = warm(api, f"users/{alice.pk}/posts", bob, sql=0, round_trips=2, commands=6)
    assert [each["liked"] for each in found["results"]] == [number % 2 == 0 for number in range(19, 4, -1)]


def test_an_older_home_page_is_one_query(api, alice, bob, page):
    address = api.get(f"users/{alice.pk}/posts", by=bob).json["next"]
    warm(api, address, bob, sql=1, round_trips=2, commands=6)


@pytest.mark.parametrize("count", [1, 20])
def test_posts_are_two_round_trips(api, bob, page, count):
    ids = ",".join(str(post.pk) for post in page[:count])
    warm(api, f"posts?ids={ids}", bob, sql=0, round_trips=2, commands=6)


@pytest.mark.parametrize("count", [1, 50, 200])
def test_checking_favourites_is_one_round_trip(api, bob, page, count):
    ids = ",".join(str(page[0].pk + number) for number in range(count))
    warm(api, f"favorites/check?ids={ids}", bob, sql=0, round_trips=1, commands=2)


def test_the_list_of_favourites_is_one_query(api, bob, page):
    warm(api, "favorites", bob, sql=1, round_trips=3, commands=7)

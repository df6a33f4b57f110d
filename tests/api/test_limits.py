"""Every list takes `limit`: the same rows, whatever the size of its pages."""

import itertools

import pytest

from posts import services
from social import services as graph
from tests.support import openapi_contract

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 23
LISTS = {
    "users/{alice}/followers": 20, "users/{alice}/following": 20, "users/me/friends": 20, "users/me/blocks": 20,
    "users/{alice}/posts": 15, "feed": 15, "favorites": 20, "posts/{post}/comments": 20, "posts/{post}/likers": 20,
    "users/search?q=fan": 20, "users/search?q=fan_0": 20, "users/search?q=crowd": 20, "users/search?q=cr fan": 20,
}  # fmt: skip


@pytest.fixture
def world(new_user, alice):
    """Alice with more than a page of everything that is listed."""
    post = services.publish(author_id=alice.pk, text="First")
    for number in range(ROWS):
        fan = new_user(f"fan_{number:02}", nickname="Crowd")
        graph.follow(follower_id=fan.pk, followee_id=alice.pk)
        graph.follow(follower_id=alice.pk, followee_id=fan.pk)
        graph.block(blocker_id=alice.pk, blocked_id=new_user(f"foe_{number:02}").pk)
        services.like(user_id=fan.pk, post_id=post.pk)
        services.comment(post_id=post.pk, author_id=fan.pk, text="Hi")
        mine = services.publish(author_id=alice.pk, text=f"Post {number}")
        services.add_favorite(user_id=alice.pk, post_id=mine.pk)
    return {"alice": alice.pk, "post": post.pk}


def pages(api, address, by, limit):
    """Yield the ids of the pages by `next`, and check that `previous` leads back."""
    joint = "&" if "?" in address else "?"
    page = api.get(address if limit is None else f"{address}{joint}limit={limit}", by=by).json
    while True:
        yield [row["id"] for row in page["results"]]
        if page["next"] is None:
            return
        assert limit is None or f"limit={limit}" in page["next"]
        following = api.get(page["next"], by=by).json
        if following["results"]:
            assert api.get(following["previous"], by=by).json["results"] == page["results"]
        page = following


def test_pages_of_any_size(api, alice, world):
    for address, usual in LISTS.items():
        address = address.format(**world)
        default = list(pages(api, address, alice, None))
        rows = list(itertools.chain(*default))
        assert len(rows) == len(set(rows)) >= min(ROWS, 10), address
        assert len(default[0]) == min(usual, len(rows)), address
        for limit in (1, 14, 15, 16, 17, ROWS, 100):
            found = list(pages(api, address, alice, limit))
            assert list(itertools.chain(*found)) == rows, (address, limit)
            assert len(found[0]) == min(limit, len(rows)), (address, limit)


def test_every_list_of_the_schema_is_here():
    """A list is what answers with `next`; sessions, which have one page, are tested with the sessions."""
    described = {
        path.removeprefix("/api/v1/"): {each["name"] for each in operations["get"].get("parameters", [])}
        for path, operations in openapi_contract.document()["paths"].items()
        if "get" in operations
    }
    takes_limit = {path for path, names in described.items() if "limit" in names}
    pages = {path for path, names in described.items() if "cursor" in names}
    here = {address.partition("?")[0].format(alice="{user_id}", post="{post_id}") for address in LISTS}
    assert pages <= here
    assert takes_limit == pages | {"users/me/sessions"}


BAD = ["0", "101", "-1", "", " 5", "5 ", "1.0", "1e1", "+5", "05", "x", "٣", "1000000000000"]


def test_bad_limits(api, alice):
    post = services.publish(author_id=alice.pk, text="First")
    world = {"alice": alice.pk, "post": post.pk}
    for address, limit in itertools.product([*LISTS, "users/me/sessions"], BAD):
        path, _, query = address.format(**world).partition("?")
        given = dict(pair.split("=") for pair in query.split("&") if pair)
        answer = api.get(path, by=alice, query={**given, "limit": limit})
        assert (answer.status, answer.json["code"], list(answer.json["errors"])) == (400, "bad_limit", ["limit"])


def test_a_limit_may_change_between_pages(api, alice, world):
    address = f"users/{alice.pk}/posts"
    first = api.get(f"{address}?limit=3", by=alice).json
    second = api.get(first["next"].replace("limit=3", "limit=50"), by=alice).json
    assert [row["id"] for row in (*first["results"], *second["results"])] == [
        row["id"] for row in api.get(f"{address}?limit=53", by=alice).json["results"]
    ]

"""A user who blocks or is blocked by the caller appears in no list of the API: all lists are read."""

import pytest

from posts import services as posts
from social.models import Follow
from tests.support import openapi_contract

pytestmark = pytest.mark.django_db(transaction=True)
# Every list of users in the schema; {owner} has carol in all of hers.
LISTS = {
    "users/search": "users/search?q=carol",
    "users/{user_id}/followers": "users/{owner}/followers",
    "users/{user_id}/following": "users/{owner}/following",
    "users/me/friends": "users/me/friends",
    "posts/{post_id}/likers": "posts/{post}/likers",
    "posts/{post_id}/comments": "posts/{post}/comments",
    "favorites": "favorites",
}
# The list of blocked users, and a list that a block by its owner refuses as a whole (tests/posts).
NOT_FILTERED = {"users/me/blocks", "users/{user_id}/posts"}


def list_endpoints() -> set[str]:
    """Return the GET endpoints that answer with a page."""
    document = openapi_contract.document()
    found = set()
    for path, operations in document["paths"].items():
        answer = operations.get("get", {}).get("responses", {}).get("200", {})
        reference = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
        component = document["components"]["schemas"].get(reference.rpartition("/")[2], {})
        if {"next", "previous"} <= component.get("properties", {}).keys():
            found.add(path.removeprefix("/api/v1/"))
    return found


def test_the_walk_knows_every_list():
    assert list_endpoints() == LISTS.keys() | NOT_FILTERED


@pytest.mark.parametrize("blocker_is_the_viewer", [True, False])
@pytest.mark.parametrize("template", LISTS.values(), ids=LISTS)
def test_nobody_blocked_appears(api, alice, bob, carol, follow, block, template, blocker_is_the_viewer):
    follow(carol, alice)
    follow(alice, carol)
    follow(bob, carol)
    follow(carol, bob)
    hers, carols = (posts.publish(author_id=each.pk, text="Hello") for each in (alice, carol))
    posts.like(user_id=carol.pk, post_id=hers.pk)
    posts.comment(post_id=hers.pk, author_id=carol.pk, text="Hi")
    posts.add_favorite(user_id=bob.pk, post_id=carols.pk)
    address = template.format(owner=alice.pk, post=hers.pk)

    def shown():
        return [each.get("author", each)["username"] for each in api.get(address, by=bob).json["results"]]

    assert shown() == ["carol"]
    block(*((bob, carol) if blocker_is_the_viewer else (carol, bob)))
    assert shown() == []
    if template == LISTS["users/me/friends"]:
        # A block deletes the follows; the caller must not see carol even if they existed.
        Follow.objects.create(follower=bob, followee=carol)
        Follow.objects.create(follower=carol, followee=bob)
        assert shown() == []


def test_blocks_lists_whom_the_caller_blocks_and_nobody_else(api, alice, bob, carol, block):
    block(bob, carol)
    block(alice, bob)
    assert [user["id"] for user in api.get("users/me/blocks", by=bob).json["results"]] == [carol.pk]
    assert api.get("users/me/blocks", by=carol).json["results"] == []

"""Whoever is blocked, in either direction, appears in no list that the API gives: a walk over all of them."""

import pytest

from social.models import Follow
from tests.api import contract

pytestmark = pytest.mark.django_db(transaction=True)
# Every list of people in the schema; {owner} has carol in all of hers.
LISTS = {
    "users/search": "users/search?q=carol",
    "users/{user_id}/followers": "users/{owner}/followers",
    "users/{user_id}/following": "users/{owner}/following",
    "users/me/friends": "users/me/friends",
}
NOT_FILTERED = {"users/me/blocks"}  # it is the list of them


def list_endpoints() -> set[str]:
    """GETs that answer a page."""
    document = contract.document()
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
    address = template.format(owner=alice.pk)

    def shown():
        return [user["username"] for user in api.get(address, by=bob).json["results"]]

    assert shown() == ["carol"]
    block(*((bob, carol) if blocker_is_the_viewer else (carol, bob)))
    assert shown() == []
    if template == LISTS["users/me/friends"]:
        # The follows are gone with the block; even if they were not, she would stay hidden.
        Follow.objects.create(follower=bob, followee=carol)
        Follow.objects.create(follower=carol, followee=bob)
        assert shown() == []


def test_blocks_lists_whom_the_caller_blocks_and_nobody_else(api, alice, bob, carol, block):
    block(bob, carol)
    block(alice, bob)
    assert [user["id"] for user in api.get("users/me/blocks", by=bob).json["results"]] == [carol.pk]
    assert api.get("users/me/blocks", by=carol).json["results"] == []

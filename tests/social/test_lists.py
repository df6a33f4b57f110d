"""Followers, following, friends and blocks: order, cursors, and hidden users."""

from functools import partial

import pytest
from django.db import connection

from api.cursors import Cursor
from api.keysets import PAGE
from social.keysets import FOLLOWERS, FOLLOWING, FRIENDS, FRIENDS_WINDOW
from social.models import Block, Follow
from social.user_lists import Friends
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crowd(new_user):
    return [new_user(f"crowd_{number:03}") for number in range(2 * PAGE + 5)]


def names(page) -> list[str]:
    return [user["username"] for user in page["results"]]


def walk(api, address, by, link="next") -> list[list[str]]:
    pages = []
    while address:
        page = api.get(address, by=by).json
        pages.append(names(page))
        last, address = address, page[link]
    walk.last = last
    return pages


def test_newest_edge_first(api, alice, bob, carol, follow):
    follow(bob, carol, alice)
    follow(alice, carol)
    follow(alice, bob)
    assert names(api.get(f"users/{alice.pk}/followers", by=bob).json) == ["carol", "bob"]
    assert names(api.get(f"users/{alice.pk}/following", by=bob).json) == ["bob", "carol"]
    assert names(api.get("users/me/friends", by=alice).json) == ["bob", "carol"]
    assert names(api.get("users/me/friends", by=bob).json) == ["alice"]
    assert names(api.get(f"users/{alice.pk}/followers", by=alice).json) == ["carol", "bob"]


def test_first_pages_in_the_cache_show_each_write_at_once(api, alice, bob, carol, follow):
    def shown():
        followers, following = (
            api.get(f"users/{alice.pk}/{which}", by=bob).json for which in ("followers", "following")
        )
        return names(followers), names(following)

    follow(carol, alice)
    follow(alice, carol)
    assert shown() == (["carol"], ["carol"])
    for write, expected in (
        (lambda: api.put(f"users/{alice.pk}/follow", by=bob), (["bob", "carol"], ["carol"])),
        (lambda: api.put(f"users/{bob.pk}/follow", by=alice), (["bob", "carol"], ["bob", "carol"])),
        (lambda: api.delete(f"users/{alice.pk}/follow", by=carol), (["bob"], ["bob", "carol"])),
        (lambda: api.put(f"users/{carol.pk}/block", by=alice), (["bob"], ["bob"])),
        (lambda: Follow.objects.filter(followee=alice).delete(), ([], ["bob"])),
        (lambda: Follow.objects.bulk_create([Follow(follower=carol, followee=alice)]), (["carol"], ["bob"])),
        (lambda: User.objects.update_one(carol.pk, is_active=False), ([], ["bob"])),
        (lambda: User.objects.update_one(carol.pk, is_active=True), (["carol"], ["bob"])),
    ):
        write()
        assert shown() == expected
        assert shown() == expected


@pytest.mark.parametrize("which", ["followers", "following", "friends", "blocks"])
def test_pages_forth_and_back_show_every_user_once(api, alice, crowd, which):
    for person in crowd:
        if which in ("followers", "friends"):
            Follow.objects.create(follower=person, followee=alice)
        if which in ("following", "friends"):
            Follow.objects.create(follower=alice, followee=person)
        if which == "blocks":
            Block.objects.create(blocker=alice, blocked=person)
    address = f"users/me/{which}" if which in ("friends", "blocks") else f"users/{alice.pk}/{which}"
    forth = walk(api, address, alice)
    assert [len(page) for page in forth] == [PAGE, PAGE, 5]
    assert [name for page in forth for name in page] == [person.username for person in crowd[::-1]]
    assert walk(api, walk.last, alice, "previous")[::-1] == forth


def test_edges_inserted_or_deleted_between_pages_skip_and_repeat_nobody(api, alice, bob, crowd, new_user, follow):
    follow(*crowd, alice)
    page = api.get(f"users/{alice.pk}/followers", by=bob).json
    seen = names(page)
    while page["next"]:
        follow(new_user(f"late_{len(seen)}"), alice)
        Follow.objects.filter(follower__username=seen[-1]).delete()  # the edge at the cursor
        page = api.get(page["next"], by=bob).json
        seen += names(page)
    assert seen == [person.username for person in crowd[::-1]]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="test_budgets asks MariaDB for the rows that it read")
@pytest.mark.parametrize("edges", [FOLLOWERS, FOLLOWING])
def test_a_deep_page_takes_as_many_steps_as_the_first(alice, edges):
    """Counted in steps of SQLite's virtual machine; most rows of the table are the owner's."""
    User.objects.bulk_create([User(id=10**6 + number, username=f"deep_{number}") for number in range(3_000)])
    members = range(10**6, 10**6 + 3_000)
    Follow.objects.bulk_create(Follow(**{edges.owner: alice.pk, edges.member: member}) for member in members)
    oldest = Follow.objects.order_by("pk").values_list("pk", flat=True)
    first, deep = (steps(partial(edges.page, alice.pk, cursor)) for cursor in (None, Cursor(False, (oldest[100],))))
    assert PAGE < first <= 50 * PAGE
    assert deep <= 1.5 * first


def steps(call) -> int:
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += 1

    connection.connection.set_progress_handler(count, 1)
    try:
        assert len(call().ids) == PAGE
    finally:
        connection.connection.set_progress_handler(None, 0)
    return taken


def test_a_page_emptied_by_blocks_still_carries_its_cursor(api, alice, bob, crowd, follow, block):
    follow(*crowd, alice)
    for person in crowd[-PAGE:]:
        block(*((bob, person) if person.pk % 2 else (person, bob)))
    first = api.get(f"users/{alice.pk}/followers", by=bob).json
    assert first["results"] == []
    second = api.get(first["next"], by=bob).json
    assert names(second) == [person.username for person in crowd[PAGE + 4 : 4 : -1]]
    assert second["previous"]
    assert len(names(api.get(f"users/{alice.pk}/followers", by=alice).json)) == PAGE


def test_friends_among_many_who_are_none(api, alice, new_user, monkeypatch):
    monkeypatch.setattr(Friends, "keyset", FRIENDS._replace(window=30))
    people = [new_user(f"crowd_{number:03}") for number in range(65)]
    for person in people:
        Follow.objects.create(follower=alice, followee=person)
    friends = [people[0], people[40], people[64]]
    for person in friends:
        Follow.objects.create(follower=person, followee=alice)
    pages = walk(api, "users/me/friends", alice)
    assert pages == [["crowd_064", "crowd_040"], [], ["crowd_000"]]
    back = walk(api, walk.last, alice, "previous")
    assert sorted(name for page in back for name in page) == ["crowd_000", "crowd_040", "crowd_064"]
    assert FRIENDS_WINDOW > PAGE


def test_bad_requests(api, alice, bob, crowd, follow):
    follow(*crowd, alice)
    link = api.get(f"users/{alice.pk}/followers", by=bob).json["next"]
    for bad in (link.replace("followers", "following"), link.replace(f"users/{alice.pk}", f"users/{bob.pk}")):
        assert api.get(bad, by=bob).json["code"] == "bad_cursor"
    for which in ("followers", "following"):
        assert api.get(f"users/99999999/{which}", by=bob).status == 404
        assert api.get(f"users/me/{which}", by=bob).status == 400

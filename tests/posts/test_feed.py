"""The home feed: whose posts it shows, in which order, page by page, and what leaves it at once."""

import random

import pytest

from posts import services
from posts.models import HOME_PAGE, Post
from social import services as graph
from tests.support.empty_redis import empty_redis
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def feed(api, bob):
    """feed(address="feed"): return the ids on a page of bob's feed."""
    return lambda address="feed": [post["id"] for post in api.get(address, by=bob).json["results"]]


@pytest.fixture
def crowd(new_user, bob):
    """Nine users, of whom bob follows the first six."""
    people = [new_user(f"author_{number}") for number in range(9)]
    for person in people[:6]:
        graph.follow(follower_id=bob.pk, followee_id=person.pk)
    return people


@pytest.fixture
def written(bob, crowd):
    """Their posts and bob's, as ids by author: some wrote much, some little, some long ago."""
    seeded = random.Random(18)
    weights = {bob: 2, **dict(zip(crowd, (30, 8, 3, 1, 1, 1, 5, 5, 5), strict=True))}
    authors = seeded.choices([*weights], [*weights.values()], k=150) + [crowd[5]] * 20 + [crowd[0]] * 40
    Post.objects.bulk_create([Post(author=author, text=f"Post {number}") for number, author in enumerate(authors)])
    return {person: [*Post.objects.filter(author=person).values_list("pk", flat=True)] for person in weights}


@pytest.fixture
def expected(bob, crowd, written):
    """All ids of bob's feed, newest first."""
    return sorted((pk for person in (bob, *crowd[:6]) for pk in written[person]), reverse=True)


def walk(api, bob, address, way):
    """Return the ids of all pages in one direction, and the address of the last."""
    pages = []
    while address:
        last, page = address, api.get(address, by=bob).json
        pages.append([post["id"] for post in page["results"]])
        address = page[way]
    return pages, last


@pytest.mark.parametrize("limit", [1, 7, HOME_PAGE, 16, 17, 100])
def test_pages_down_and_up_again_have_every_post_once(api, bob, expected, limit):
    down, last = walk(api, bob, f"feed?limit={limit}", "next")
    assert [pk for page in down for pk in page] == expected
    assert {len(page) for page in down[:-1]} <= {limit}
    up, _ = walk(api, bob, last, "previous")
    assert [pk for page in up[::-1] for pk in page] == expected


def test_pages_stay_right_when_redis_is_emptied_in_between(api, bob, expected):
    seen, address = [], "feed"
    while address:
        empty_redis()
        page = api.get(address, by=bob).json
        seen += [post["id"] for post in page["results"]]
        address = page["next"]
    assert seen == expected


def test_what_is_written_meanwhile_is_neither_skipped_nor_repeated(api, bob, crowd, expected, write, feed):
    first = api.get("feed", by=bob).json
    newest = write(crowd[2])
    second = api.get(first["next"], by=bob).json
    assert [post["id"] for post in second["results"]] == expected[HOME_PAGE : 2 * HOME_PAGE]
    back = api.get(second["previous"], by=bob).json
    assert [post["id"] for post in back["results"]] == expected[:HOME_PAGE]
    assert feed(back["previous"]) == [newest.pk]


def test_posts_have_what_they_have_on_every_page(api, bob, alice, write, follow):
    follow(bob, alice)
    post = write(alice, "First")
    services.like(user_id=bob.pk, post_id=post.pk)
    (shown,) = api.get("feed", by=bob).json["results"]
    assert shown == api.get(f"posts/{post.pk}", by=bob).json
    assert (shown["liked"], shown["counts"]["likes"], shown["author"]["nickname"]) == (True, 1, "Alice 小明")


def test_a_feed_of_nobody_is_empty(api, bob):
    assert api.get("feed", by=bob).json == {"results": [], "next": None, "previous": None}


def test_a_new_post_and_a_new_follow_show_at_once(bob, alice, carol, write, feed, follow):
    follow(bob, alice)
    assert feed() == []
    first, second, own = write(alice), write(carol), write(bob)
    assert feed() == [own.pk, first.pk]
    follow(bob, carol)
    assert feed() == [own.pk, second.pk, first.pk]


GONE = {
    "unfollow": (
        lambda bob, alice, post: graph.unfollow(follower_id=bob.pk, followee_id=alice.pk),
        lambda bob, alice, post: graph.follow(follower_id=bob.pk, followee_id=alice.pk),
    ),
    "hide": (
        lambda bob, alice, post: Post.objects.update_one(post.pk, state=Post.State.HIDDEN),
        lambda bob, alice, post: Post.objects.update_one(post.pk, state=Post.State.SHOWN),
    ),
    "deactivate": (
        lambda bob, alice, post: User.objects.update_one(alice.pk, is_active=False),
        lambda bob, alice, post: User.objects.update_one(alice.pk, is_active=True),
    ),
    "block": (lambda bob, alice, post: graph.block(blocker_id=bob.pk, blocked_id=alice.pk), None),
    "be blocked": (lambda bob, alice, post: graph.block(blocker_id=alice.pk, blocked_id=bob.pk), None),
    "delete": (lambda bob, alice, post: services.delete_post(post_id=post.pk, by=alice.pk), None),
}


@pytest.mark.parametrize("what", GONE)
def test_what_is_gone_leaves_the_feed_at_once(bob, alice, carol, write, feed, follow, what):
    follow(bob, alice)
    follow(bob, carol)
    kept, post = write(carol), write(alice)
    assert feed() == [post.pk, kept.pk]
    go, come_back = GONE[what]
    go(bob, alice, post)
    assert feed() == [kept.pk]
    if come_back:
        come_back(bob, alice, post)
        assert feed() == [post.pk, kept.pk]


def test_an_own_post_that_is_hidden_is_not_in_the_own_feed(bob, write, feed):
    post = write(bob)
    assert feed() == [post.pk]
    Post.objects.update_one(post.pk, state=Post.State.HIDDEN)
    assert feed() == []


@pytest.mark.parametrize("limit", [5, HOME_PAGE])
def test_a_page_is_full_however_many_authors_are_gone(api, bob, crowd, expected, written, limit):
    for person in (crowd[0], crowd[5], crowd[2]):  # the first two wrote the sixty newest posts
        User.objects.update_one(person.pk, is_active=False)
    left = [pk for pk in expected if not any(pk in written[crowd[number]] for number in (0, 5, 2))]
    pages, _ = walk(api, bob, f"feed?limit={limit}", "next")
    assert [pk for page in pages for pk in page] == left
    assert {len(page) for page in pages[:-1]} == {limit}


def test_a_cursor_is_good_for_the_own_feed_alone(api, alice, bob, expected):
    address = api.get("feed", by=bob).json["next"]
    found = api.get(address, by=alice)
    assert (found.status, found.json["code"]) == (400, "bad_cursor")
    assert api.get("feed?limit=101", by=bob).json["code"] == "bad_limit"

"""Posts and their lists on the hot lane: after each write the answer is the database's, at once, for every viewer."""

import re

import pytest

from posts import services
from posts.models import Comment, Like, Post
from social import services as graph
from tests.support.asgi_server import login
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


@pytest.fixture
def post(alice, bob, carol):
    """bob's second post of three, liked, commented on and kept by alice, bob and carol."""
    post, *_ = posts = [services.publish(author_id=bob.pk, text=f"post {number}") for number in range(3)]
    for person in (alice, bob, carol):
        services.comment(post_id=post.pk, author_id=person.pk, text=f"Hi from {person}")
        for each in posts:
            services.like(user_id=person.pk, post_id=each.pk)
            services.add_favorite(user_id=person.pk, post_id=each.pk)
    return post


@pytest.fixture
def truths(settings, django):
    """truths(requests): the answers of Django without a cache. Call this once."""

    def ask(requests):
        settings.CACHING = {**settings.CACHING, "ENABLED": False}
        return [django.ask(path, headers=headers).answer for path, headers in requests]

    return ask


def paths(post):
    yield f"users/{post.author_id}/posts"
    yield f"users/{post.author_id}/posts?limit=1"
    yield f"posts?ids={post.pk},{post.pk + 1},{10**12}"
    yield f"posts/{post.pk}"
    yield f"posts/{post.pk}/comments"
    yield f"posts/{post.pk}/comments?limit=2"
    yield f"posts/{post.pk}/likers"
    yield f"posts/{post.pk}/likers?limit=1"
    yield "favorites"
    yield "favorites?limit=2"


WRITES = {
    "a like": lambda post, alice, bob, carol: services.unlike(user_id=alice.pk, post_id=post.pk),
    "a like in bulk": lambda post, alice, bob, carol: Like.objects.filter(user_id=carol.pk).delete(),
    "a favourite": lambda post, alice, bob, carol: services.remove_favorite(user_id=alice.pk, post_id=post.pk),
    "a comment": lambda post, alice, bob, carol: services.comment(post_id=post.pk, author_id=alice.pk, text="New"),
    "a comment edited": lambda post, alice, bob, carol: Comment.objects.filter(author=carol).update(text="Edited"),
    "a comment deleted": lambda post, alice, bob, carol: services.delete_comment(
        comment_id=Comment.objects.get(author=carol).pk, by=carol.pk
    ),
    "a post": lambda post, alice, bob, carol: services.publish(author_id=bob.pk, text="New"),
    "a post edited": lambda post, alice, bob, carol: Post.objects.update_one(post.pk, text="Edited"),
    "a repost": lambda post, alice, bob, carol: services.publish(author_id=alice.pk, repost_of=post.pk),
    "a post hidden": lambda post, alice, bob, carol: Post.objects.update_one(post.pk, state=Post.State.HIDDEN),
    "a post deleted": lambda post, alice, bob, carol: services.delete_post(post_id=post.pk, by=bob.pk),
    "the author blocks": lambda post, alice, bob, carol: graph.block(blocker_id=bob.pk, blocked_id=alice.pk),
    "the author is blocked": lambda post, alice, bob, carol: graph.block(blocker_id=alice.pk, blocked_id=bob.pk),
    "a guest is blocked": lambda post, alice, bob, carol: graph.block(blocker_id=alice.pk, blocked_id=carol.pk),
    "a guest blocks the author": lambda post, alice, bob, carol: graph.block(blocker_id=carol.pk, blocked_id=bob.pk),
    "the author is deactivated": lambda post, alice, bob, carol: User.objects.update_one(bob.pk, is_active=False),
    "a guest is deactivated": lambda post, alice, bob, carol: User.objects.update_one(carol.pk, is_active=False),
    "a guest is renamed": lambda post, alice, bob, carol: User.objects.update_one(carol.pk, nickname="C"),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_shows_at_once(lane, truths, post, alice, bob, carol, write):
    asked = [(f"/api/v1/{path}", login(viewer)) for path in paths(post) for viewer in (alice, bob)]
    for path, headers in asked * 2:
        before = lane.ask(path, headers=headers)
    assert before.by_lane
    WRITES[write](post, alice, bob, carol)
    found = [[lane.ask(path, headers=headers) for _ in range(2)] for path, headers in asked]
    for (path, _), (first, second), expected in zip(asked, found, truths(asked), strict=True):
        assert first.answer == second.answer == expected, path
        assert second.by_lane == (second.status == 200), path


ODD = [
    "users/{bob}/posts?limit=0", "users/{bob}/posts?limit=101", "users/{bob}/posts?limit=16", "users/{bob}/posts/",
    "users/{bob}/posts?limit=5&x=1", "users/{bob}/posts?limit=1&limit=2", "users/{bob}/posts?cursor=x",
    "users/0/posts", "users/me/posts", "users/%2B7/posts", f"users/{2**63}/posts", "users/999999999/posts",
    "posts?ids=", "posts?ids=0", "posts?ids={post},", "posts", "posts?ids={post}&ids={post}", "posts/{post}?x=1",
    "posts/999999999", "posts/999999999/likers", "posts/999999999/comments", "posts/{post}/comments?limit=21",
    "posts/{post}/comments?limit=", "posts/{post}/likers?limit=١", "posts/{post}/like", "favorites?limit=100",
    "favorites/", "favorites?cursor=",
]  # fmt: skip


@pytest.mark.parametrize("path", ODD)
def test_what_is_odd_is_answered_by_django(lane, django, post, alice, bob, path):
    path = "/api/v1/" + path.format(bob=bob.pk, post=post.pk)
    expected = django.ask(path, headers=login(alice))
    for _ in range(2):
        found = lane.ask(path, headers=login(alice))
        assert (found.answer, found.by_lane) == (expected.answer, False)


def test_head_and_cursors_are_answered_by_django(lane, django, post, alice):
    for path in paths(post):
        first = lane.ask(f"/api/v1/{path}", headers=login(alice))
        head = lane.ask(f"/api/v1/{path}", method="HEAD", headers=login(alice))
        assert (head.status, head.by_lane, head.headers) == (200, False, first.headers)
        if next_page := re.search(rb'"next":"https?://testserver([^"]+)"', first.body):
            address = next_page[1].decode()
            found = lane.ask(address, headers=login(alice))
            assert (found.answer, found.by_lane) == (django.ask(address, headers=login(alice)).answer, False)
            assert b'"previous":"http' in found.body


def test_links_are_of_the_host_that_was_asked(lane, django, post, alice, settings):
    settings.ALLOWED_HOSTS = ["*"]
    path = f"/api/v1/users/{post.author_id}/posts?limit=1"
    for host in ("a.example", "b.example:8080", "a.example") * 2:
        asked = [*login(alice), ("host", host)]
        found = lane.ask(path, headers=asked)
        assert found.answer == django.ask(path, headers=asked).answer
        assert f'"next":"http://{host}/api/v1/users/'.encode() in found.body
    assert found.by_lane

"""Users who are deleted while they write, or while others write to them: 401 or 404, and no row is left."""

from functools import partial

import pytest

from posts import comment_views, services
from posts.models import Comment, Favorite, Like, Post
from tests.posts.settled import drifts
from tests.support.api_client import ApiClient
from tests.support.deletion_races import delete_with_pause, paused_process
from tests.support.threads import Task

pytestmark = pytest.mark.django_db(transaction=True)
TRIES_S = 1
WRITES = [
    ("POST", "posts", {"text": "Hello"}),
    ("POST", "posts", {"text": "Look", "repost_of": "post"}),
    ("POST", "posts/{post}/comments", {"text": "Hi"}),
    ("PUT", "posts/{post}/like", None),
    ("PUT", "posts/{post}/favorite", None),
]


def while_deleted(user, method, address, body, post, by):
    """Return the answer to a request that is sent while a deletion is complete but for its commit."""
    body = body and {name: post.pk if value == "post" else value for name, value in body.items()}
    with paused_process(delete_with_pause, "model", "user deleted", user.pk) as resume:
        asking = Task(partial(ApiClient().request, method, address.format(post=post.pk), body, by=by))
        asking.join(TRIES_S)  # still waiting for the other process
        assert resume() is True
        return asking.result()


@pytest.mark.parametrize(("method", "address", "body"), WRITES)
def test_by_somebody_who_is_being_deleted(bob, post, method, address, body):
    answer = while_deleted(bob, method, address, body, post, by=bob)
    assert (answer.status, answer.json["code"]) == (401, "user_inactive")
    assert Post.objects.count() == 1
    assert not any(model.objects.exists() for model in (Like, Favorite, Comment))
    assert drifts() == []


@pytest.mark.parametrize(("method", "address", "body"), WRITES[1:])
def test_to_somebody_who_is_being_deleted(alice, bob, post, method, address, body):
    answer = while_deleted(alice, method, address, body, post, by=bob)
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert not any(model.objects.exists() for model in (Post, Like, Favorite, Comment))
    assert drifts() == []


def test_gone_before_it_is_shown(api, alice, bob, post, monkeypatch):
    """The answer reads the new row again; by then the post or its author may be gone."""
    publish = services.publish_once
    monkeypatch.setattr(services, "publish_once", lambda **new: (removed(publish(**new)[0]), True))
    assert api.post("posts", {"text": "Hello"}, by=bob).status == 404
    monkeypatch.setattr(comment_views.ViewedUsers, "public", lambda _: {})
    assert api.post(f"posts/{post.pk}/comments", {"text": "Hi"}, by=bob).status == 401


def removed(post):
    services.delete_post(post_id=post.pk, by=post.author_id)
    return post

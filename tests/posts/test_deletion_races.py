"""People who are deleted while they write, or while others write to them: 401 or 404, and nothing is left."""

from functools import partial

import pytest

from posts import list_views, services
from posts.models import Comment, Favorite, Like, Post
from tests.api.client import ApiClient
from tests.caching.threads import Task
from tests.posts.test_removal import drifts
from tests.social.processes import delete_waiting, waiting

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
    """The answer to a request that meets a deletion which is through but for its commit."""
    body = body and {name: post.pk if value == "post" else value for name, value in body.items()}
    with waiting(delete_waiting, "model", "user deleted", user.pk) as go_on:
        asking = Task(partial(ApiClient().request, method, address.format(post=post.pk), body, by=by))
        asking.join(TRIES_S)  # waits for the other process
        assert go_on() is True
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
    """What was written is read again for the answer; by then the post, or its author, may be gone."""
    publish = services.publish
    monkeypatch.setattr(services, "publish", lambda **new: removed(publish(**new)))
    assert api.post("posts", {"text": "Hello"}, by=bob).status == 404
    monkeypatch.setattr(list_views, "visible_users", lambda *_: {})
    assert api.post(f"posts/{post.pk}/comments", {"text": "Hi"}, by=bob).status == 401


def removed(post):
    services.delete_post(post_id=post.pk, by=post.author_id)
    return post

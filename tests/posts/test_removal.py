"""Deletion of posts and users: invisible at once, exact counters, short transactions, resumable."""

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from jobs import deletion
from posts import removal, services
from posts.models import Like, Post
from tests.posts.settled import ZEROS, assert_settled, drifts, post_counts, posts_of
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_everything_is_settled(api, alice, bob, carol, story, fans):
    original, post, repost = story
    assert post_counts(original, post) == [
        {**ZEROS, "reposts": 1},
        {"likes": 12, "comments": 12, "reposts": 1, "favorites": 12},
    ]
    fan = fans[0]
    assert api.get(f"favorites/check?ids={post.pk}", by=fan).json == {"results": {str(post.pk): True}}
    assert api.delete(f"posts/{post.pk}", by=alice).status == 204
    assert_settled(story)
    assert posts_of(alice, bob, carol) == [0, 1, 1]
    assert api.get(f"favorites/check?ids={post.pk}", by=fan).json == {"results": {str(post.pk): False}}
    assert api.get("favorites", by=fan).json["results"] == []
    assert api.get(f"posts/{repost.pk}", by=fan).json["repost_of"] is None


def test_by_the_model_itself(alice, bob, carol, story, fans):
    """A deletion by the model's delete(), as by a cascade or a script."""
    Post.objects.get(pk=story[1].pk).delete()
    assert_settled(story)
    assert posts_of(alice, bob, carol) == [0, 1, 1]


def test_what_many_liked_is_gone_at_once_and_swept_later(api, alice, bob, carol, story, fans, monkeypatch):
    monkeypatch.setattr(deletion, "CHUNK", 5)
    monkeypatch.setattr(deletion, "AT_ONCE", 5)
    original, post, _ = story
    assert api.delete(f"posts/{post.pk}", by=alice).status == 204
    assert Like.objects.count() == 7
    assert post_counts(original) == [ZEROS]
    assert posts_of(alice, bob, carol) == [0, 1, 1]
    assert api.get(f"posts/{post.pk}", by=bob).status == 404
    assert api.get("favorites", by=fans[0]).json["results"] == []
    assert api.put(f"posts/{post.pk}/like", by=bob).status == 404
    assert drifts() == []
    sweeping = removal.removed_posts.sweep()
    with CaptureQueriesContext(connection) as queries:
        assert next(sweeping) == 5
    assert sum(query["sql"].startswith("DELETE FROM") for query in queries) <= 2
    assert drifts() == []
    del sweeping  # as if its process had been killed
    call_command("sweep_removed", once=True)
    assert_settled(story)


def test_a_sweep_finds_what_is_removed_without_looking_through_all_posts(story):
    with CaptureQueriesContext(connection) as queries:
        assert list(removal.removed_posts.sweep()) == []
    assert not any("posts_post" in query["sql"] for query in queries)


def test_a_person_goes_with_all_words_and_marks(alice, bob, carol, story, fans):
    original, post, repost = story
    services.like(user_id=alice.pk, post_id=repost.pk)
    services.comment(post_id=original.pk, author_id=alice.pk, text="Hi")
    list(delete_user(fans[0].pk))
    assert post_counts(post) == [{"likes": 11, "comments": 11, "reposts": 1, "favorites": 11}]
    list(delete_user(alice.pk))
    assert_settled(story)
    assert posts_of(bob, carol) == [1, 1]


def test_a_user_deleted_by_the_model_itself(alice, bob, carol, story, fans):
    alice.delete()
    assert_settled(story)
    assert posts_of(bob, carol) == [1, 1]


def test_what_the_database_refuses_now_is_swept_later(api, alice, bob, story, fans, monkeypatch):
    """A deadlock with another deletion of the same rows does not fail the author's request."""

    def refuse(*_, **__):
        raise OperationalError(1213, "Deadlock found when trying to get lock")

    with monkeypatch.context() as patched:
        patched.setattr(deletion, "in_chunks", refuse)
        assert api.delete(f"posts/{story[1].pk}", by=alice).status == 204
    assert api.get(f"posts/{story[1].pk}", by=bob).status == 404
    assert Like.objects.count() == 12
    call_command("sweep_removed", once=True)
    assert_settled(story)

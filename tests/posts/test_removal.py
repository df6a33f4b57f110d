"""Deleting posts and people: gone at once for readers, every count settled, short transactions, resumable."""

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from counters import reconcile
from counters.reads import counts_of
from jobs import deletion
from posts import removal, services
from posts.models import Comment, Favorite, Like, Post, Removal
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)
ZEROS = {"likes": 0, "comments": 0, "reposts": 0, "favorites": 0}


@pytest.fixture
def story(alice, bob, carol, write):
    """Alice reposts carol's; bob reposts alice's, and twelve people make much of alice's."""
    original = write(carol, "First")
    post = write(alice, "Second", repost_of=original.pk)
    repost = write(bob, "Third", repost_of=post.pk)
    return original, post, repost


@pytest.fixture
def fans(new_user, story):
    people = [new_user(f"fan_{number:02}") for number in range(12)]
    for person in people:
        services.like(user_id=person.pk, post_id=story[1].pk)
        services.add_favorite(user_id=person.pk, post_id=story[1].pk)
        services.comment(post_id=story[1].pk, author_id=person.pk, text="Hi")
    return people


def post_counts(*posts):
    found = counts_of("post", [post.pk for post in posts])
    return [found[post.pk] for post in posts]


def posts_of(*people):
    found = counts_of("user", [person.pk for person in people])
    return [found[person.pk]["posts"] for person in people]


def drifts():
    return [drift for kind in ("post", "user") for chunk in reconcile.run(kind, mend=False) for drift in chunk.drifts]


def settled(story):
    original, post, repost = story
    assert post_counts(original, post, repost) == [ZEROS, ZEROS, ZEROS]
    assert not any(model.objects.exists() for model in (Like, Favorite, Comment, Removal))
    assert Post.objects.get(pk=repost.pk).repost_of_id is None
    assert drifts() == []


def test_everything_is_settled(api, alice, bob, carol, story, fans):
    original, post, repost = story
    assert post_counts(original, post) == [
        {**ZEROS, "reposts": 1},
        {"likes": 12, "comments": 12, "reposts": 1, "favorites": 12},
    ]
    fan = fans[0]
    assert api.get(f"favorites/check?ids={post.pk}", by=fan).json == {"results": {str(post.pk): True}}
    assert api.delete(f"posts/{post.pk}", by=alice).status == 204
    settled(story)
    assert posts_of(alice, bob, carol) == [0, 1, 1]
    assert api.get(f"favorites/check?ids={post.pk}", by=fan).json == {"results": {str(post.pk): False}}
    assert api.get("favorites", by=fan).json["results"] == []
    assert api.get(f"posts/{repost.pk}", by=fan).json["repost_of"] is None


def test_by_the_model_itself(alice, bob, carol, story, fans):
    """As a cascade, or a colleague's script, does."""
    Post.objects.get(pk=story[1].pk).delete()
    settled(story)
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
    del sweeping  # as if it had been killed
    call_command("sweep_removed", once=True)
    settled(story)


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
    settled(story)
    assert posts_of(bob, carol) == [1, 1]


def test_a_user_deleted_by_the_model_itself(alice, bob, carol, story, fans):
    alice.delete()
    settled(story)
    assert posts_of(bob, carol) == [1, 1]


def test_what_the_database_refuses_now_is_swept_later(api, alice, bob, story, fans, monkeypatch):
    """A deadlock with somebody who deletes the same rows is not the author's concern."""

    def refuse(*_):
        raise OperationalError(1213, "Deadlock found when trying to get lock")

    with monkeypatch.context() as patched:
        patched.setattr(deletion, "in_chunks", refuse)
        assert api.delete(f"posts/{story[1].pk}", by=alice).status == 204
    assert api.get(f"posts/{story[1].pk}", by=bob).status == 404
    assert Like.objects.count() == 12
    call_command("sweep_removed", once=True)
    settled(story)

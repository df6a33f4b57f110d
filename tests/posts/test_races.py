"""Concurrent writes of one user, and writes during the removal of a post, by threads that start together."""

import contextlib
import random
from functools import partial

import pytest
from django.db import connection

from counters.reads import counts_of
from posts import removal, services
from posts.models import Favorite, Like, Post, favorited, liked
from tests.support.id_set_members import members_among
from tests.support.threads import Task, in_parallel

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 10


def likes_of(post):
    return counts_of("post", [post.pk])[post.pk]["likes"]


def test_fifty_likes_at_once_are_one(bob, post):
    pair = {"user_id": bob.pk, "post_id": post.pk}
    assert sum(in_parallel(*[partial(services.like, **pair)] * 50)) == 1
    assert (Like.objects.count(), likes_of(post)) == (1, 1)
    assert sum(in_parallel(*[partial(services.unlike, **pair)] * 50)) == 1
    assert (Like.objects.count(), likes_of(post)) == (0, 0)


def test_a_user_at_odds_with_themselves(alice, bob, write):
    """Behaviour 23: the cached sets equal the rows, in whatever order the writes came."""
    ids = [write(alice).pk for _ in range(5)]

    def scramble(seed):
        chance = random.Random(seed)
        for _ in range(30):
            write = chance.choice([services.like, services.unlike, services.add_favorite, services.remove_favorite])
            write(user_id=bob.pk, post_id=chance.choice(ids))
            members_among(liked, bob.pk, ids), members_among(favorited, bob.pk, ids)

    in_parallel(*[partial(scramble, seed) for seed in range(4)])
    for model, id_set in ((Like, liked), (Favorite, favorited)):
        rows = set(model.objects.filter(user=bob).values_list("post_id", flat=True))
        assert members_among(id_set, bob.pk, ids) == {each: each in rows for each in ids}


def test_nothing_is_left_on_a_post_that_ends_meanwhile(alice, new_user, write):
    people = [new_user(f"fan_{number}") for number in range(4)]
    for _ in range(ROUNDS):
        post = write(alice)

        def mark(person, post=post):
            with contextlib.suppress(Post.DoesNotExist):
                services.like(user_id=person.pk, post_id=post.pk)
                services.add_favorite(user_id=person.pk, post_id=post.pk)
                services.comment(post_id=post.pk, author_id=person.pk, text="Hi")
                services.publish(author_id=person.pk, text="Look", repost_of=post.pk)

        in_parallel(
            *[partial(mark, person) for person in people],
            partial(services.delete_post, post_id=post.pk, by=alice.pk),
        )
        assert not Post.objects.filter(pk=post.pk).exists()
        assert counts_of("post", [post.pk])[post.pk] == {"likes": 0, "comments": 0, "reposts": 0, "favorites": 0}
        assert not any(members_among(liked, person.pk, [post.pk])[post.pk] for person in people)
    assert not Like.objects.exists()


@pytest.mark.services  # SQLite has one writer at a time
@pytest.mark.parametrize("fans", [0, 5])
@pytest.mark.parametrize("verb", [services.like, services.add_favorite])
def test_somebody_who_came_before_the_mark_waits_and_is_no_deadlock(new_user, post, monkeypatch, verb, fans):
    """The writer waits for the post's lock before it writes, so the removal does not wait for the writer's row.

    Before, the statement that deletes the others' rows did so, which was a deadlock.
    """
    *others, last = (new_user(f"fan_{number}").pk for number in range(fans + 1))
    for person in others:
        verb(user_id=person, post_id=post.pk)
    pointing_at, late = removal.removed_posts.dependents, []

    def when_locked(post_id):
        if connection.in_atomic_block and not late:
            late.append(Task(partial(verb, user_id=last, post_id=post_id)))
            late[0].join(1)
            assert late[0].is_alive()
        return pointing_at(post_id) if late else []

    monkeypatch.setattr(removal.removed_posts, "dependents", when_locked)
    removal.remove([post.pk])
    with pytest.raises(Post.DoesNotExist):
        late[0].result()
    assert not Post.objects.exists()
    assert not Like.objects.exists()
    assert not Favorite.objects.exists()

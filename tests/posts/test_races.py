"""One user with themselves, and writers with the end of a post: threads that start at a barrier."""

import contextlib
import random
from functools import partial

import pytest
from django.db import connection

from counters.reads import counts_of
from posts import removal, services
from posts.models import Favorite, Like, Post, favorited, liked
from tests.caching.readers import check
from tests.caching.threads import Task, together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 10


def likes_of(post):
    return counts_of("post", [post.pk])[post.pk]["likes"]


def test_fifty_likes_at_once_are_one(bob, post):
    pair = {"user_id": bob.pk, "post_id": post.pk}
    assert sum(together(*[partial(services.like, **pair)] * 50)) == 1
    assert (Like.objects.count(), likes_of(post)) == (1, 1)
    assert sum(together(*[partial(services.unlike, **pair)] * 50)) == 1
    assert (Like.objects.count(), likes_of(post)) == (0, 0)


def test_a_user_at_odds_with_themselves(alice, bob, write):
    """Behaviour 23: whatever order the writes took, the cached sets are the rows."""
    ids = [write(alice).pk for _ in range(5)]

    def scramble(seed):
        chance = random.Random(seed)
        for _ in range(30):
            write = chance.choice([services.like, services.unlike, services.add_favorite, services.remove_favorite])
            write(user_id=bob.pk, post_id=chance.choice(ids))
            check(liked, bob.pk, ids), check(favorited, bob.pk, ids)

    together(*[partial(scramble, seed) for seed in range(4)])
    for model, id_set in ((Like, liked), (Favorite, favorited)):
        rows = set(model.objects.filter(user=bob).values_list("post_id", flat=True))
        assert check(id_set, bob.pk, ids) == {each: each in rows for each in ids}


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

        together(
            *[partial(mark, person) for person in people],
            partial(services.delete_post, post_id=post.pk, by=alice.pk),
        )
        assert not Post.objects.filter(pk=post.pk).exists()
        assert counts_of("post", [post.pk])[post.pk] == {"likes": 0, "comments": 0, "reposts": 0, "favorites": 0}
        assert not any(check(liked, person.pk, [post.pk])[post.pk] for person in people)
    assert not Like.objects.exists()


@pytest.mark.services  # on SQLite there is one writer at a time
@pytest.mark.parametrize("fans", [0, 5])
@pytest.mark.parametrize("verb", [services.like, services.add_favorite])
def test_somebody_who_came_before_the_mark_waits_and_is_no_deadlock(alice, new_user, post, monkeypatch, verb, fans):
    """The rows of others, who came just in time, were deleted by a statement that waited for the row of whoever waits
    for the post."""
    *others, last = (new_user(f"fan_{number}").pk for number in range(fans + 1))
    for person in others:
        verb(user_id=person, post_id=post.pk)
    monkeypatch.setattr(services, "_author_of", lambda _: alice.pk)  # as it was before the mark
    pointing_at, late = removal.removed_posts.dependents, []

    def when_locked(post_id):
        if connection.in_atomic_block and not late:
            late.append(Task(partial(verb, user_id=last, post_id=post_id)))
            late[0].join(1)
            assert late[0].is_alive()
        return pointing_at(post_id) if late else []

    monkeypatch.setattr(removal.removed_posts, "dependents", when_locked)
    removal.remove([post.pk])
    if fans:
        assert late[0].result() is True
    else:
        with pytest.raises(Post.DoesNotExist):
            late[0].result()
    assert not Post.objects.exists()
    assert not Like.objects.exists()
    assert not Favorite.objects.exists()

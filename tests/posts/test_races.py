"""One user with themselves, and writers with the end of a post: threads that start at a barrier."""

import contextlib
import random
from functools import partial

import pytest

from counters.reads import counts_of
from posts import services
from posts.models import Favorite, Like, Post, favorited, liked
from tests.caching.threads import together

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
            liked.contains(bob.pk, ids), favorited.contains(bob.pk, ids)

    together(*[partial(scramble, seed) for seed in range(4)])
    for model, id_set in ((Like, liked), (Favorite, favorited)):
        rows = set(model.objects.filter(user=bob).values_list("post_id", flat=True))
        assert id_set.contains(bob.pk, ids) == {each: each in rows for each in ids}


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
        assert not any(liked.contains(person.pk, [post.pk])[post.pk] for person in people)
    assert not Like.objects.exists()

"""The id sets of many owners are read by one query, and are those that each owner's own query finds."""

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from caching.entries import of_owners
from posts.models import Favorite, Post, favorited
from social.models import Block, Follow, following

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owners(new_user):
    return [new_user(f"person_{number}") for number in range(6)]


@pytest.fixture
def rows(owners):
    """Follows, and favourites of posts of which some are not shown, to some."""
    draw = random.Random(3)
    for owner in owners[:5]:
        for other in draw.sample(owners, 4):
            if other != owner:
                Follow.objects.create(follower_id=owner.pk, followee_id=other.pk)
    posts = [Post.objects.create_one(author_id=author.pk, text="x", state=n % 2) for n, author in enumerate(2 * owners)]
    for owner in owners[:5]:
        for post in draw.sample(posts, 9):
            Favorite.objects.create(user_id=owner.pk, post_id=post.pk)
    Block.objects.create(blocker_id=owners[0].pk, blocked_id=owners[3].pk)


def loaded(id_set, owners):
    source = id_set.here()
    return {each.owner: value for each, value in source.load([source.identity(owner.pk) for owner in owners]).items()}


@pytest.mark.parametrize("id_set", [following, favorited], ids=["follows", "shown favourites"])
@pytest.mark.parametrize("newest", [5_000, 2])
def test_each_owner_has_what_a_query_alone_finds(rows, owners, id_set, newest, monkeypatch):
    monkeypatch.setattr(id_set.here(), "newest", newest)
    with CaptureQueriesContext(connection) as queries:
        together = loaded(id_set, owners)
    assert len(queries) == 1
    assert together == {owner.pk: loaded(id_set, [owner])[owner.pk] for owner in owners}
    assert len({contents.members for contents in together.values()}) > 2
    assert together[owners[5].pk].members == frozenset()


def test_very_many_owners_are_read_in_parts(rows, owners, monkeypatch):
    monkeypatch.setattr(of_owners, "OWNERS_OF_A_QUERY", 4)
    with CaptureQueriesContext(connection) as queries:
        together = loaded(following, owners)
    assert len(queries) == 2
    assert together == {owner.pk: loaded(following, [owner])[owner.pk] for owner in owners}

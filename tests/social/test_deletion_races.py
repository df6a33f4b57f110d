"""Edges to or by a user who is being deleted: they are deleted with the account, or the request is a 404."""

from functools import partial

import pytest

from counters import reconcile
from social import relationships, services
from social.models import Block, Follow
from tests.support.api_client import ApiClient
from tests.support.budgets import budget
from tests.support.deletion_races import delete_with_pause, paused_process
from tests.support.threads import Task
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
TRIES_S = 1


def assert_nothing_is_left(user) -> None:
    assert not User.objects.filter(pk=user.pk).exists()
    assert not Follow.objects.exists()
    assert not Block.objects.exists()
    assert [drift for chunk in reconcile.run("user", mend=False) for drift in chunk.drifts] == []


@pytest.mark.parametrize("edge", ["follow", "block"])
@pytest.mark.parametrize(
    ("how", "point"),
    [
        ("service", "edges ended"),
        ("service", "cascade collected"),
        ("service", "user deleted"),
        ("model", "cascade collected"),
        ("model", "user deleted"),
    ],
)
def test_an_edge_to_somebody_who_is_being_deleted(alice, bob, how, point, edge):
    """By the service, as a request would that has found the account active before."""
    with paused_process(delete_with_pause, how, point, bob.pk) as resume:
        writing = Task(partial(written, edge, alice.pk, bob.pk))
        writing.join(TRIES_S)  # finished, or waiting for the other process
        assert writing.is_alive() == (point != "edges ended")
        assert resume() is True
        assert writing.result() is (point == "edges ended")
    assert_nothing_is_left(bob)


def written(edge, one, other) -> bool:
    """Return whether an edge was inserted, and not refused because the other account is gone."""
    try:
        if edge == "follow":
            return services.follow(follower_id=one, followee_id=other)
        return services.block(blocker_id=one, blocked_id=other)
    except User.DoesNotExist:
        return False


@pytest.mark.parametrize("edge", ["follow", "block"])
def test_the_api_refuses_as_soon_as_a_deletion_has_begun(api, alice, bob, edge):
    with paused_process(delete_with_pause, "service", "user deleted", bob.pk) as resume:
        assert api.put(f"users/{bob.pk}/{edge}", by=alice).status == 404
        assert resume() is True
    assert_nothing_is_left(bob)


@pytest.mark.parametrize("edge", ["follow", "block"])
def test_an_edge_by_somebody_who_is_being_deleted(alice, bob, edge):
    with paused_process(delete_with_pause, "model", "user deleted", alice.pk) as resume:
        asking = Task(partial(ApiClient().put, f"users/{bob.pk}/{edge}", by=alice))
        asking.join(TRIES_S)
        assert resume() is True
        assert asking.result().status == 404
    assert_nothing_is_left(alice)


@pytest.mark.services  # SQLite refuses at the commit, after which the cache must assume that the write took effect
def test_a_refused_edge_leaves_the_caller_s_sets_cached(alice, bob, carol, follow):
    follow(alice, carol)
    with paused_process(delete_with_pause, "service", "user deleted", bob.pk) as resume:
        asking = Task(partial(ApiClient().put, f"users/{bob.pk}/follow", by=alice))
        asking.join(TRIES_S)
        assert resume() is True
        assert asking.result().status == 404
    relationships.relationship_of(alice.pk, carol.pk)
    with budget(sql=0, round_trips=1, commands=1):
        assert relationships.relationship_of(alice.pk, carol.pk).following

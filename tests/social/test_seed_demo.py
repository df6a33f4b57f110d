"""Demo follows and blocks: created once, counted at once, no follow despite a block."""

import statistics
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import override_settings

from counters import reconcile
from counters.models import Counter, Delta
from social import services
from social.demo import newcomers
from social.models import Block, Follow, PairLock
from tests.social.follows_despite_blocks import follows_despite_blocks
from tests.support.api_client import ApiClient
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def seed(users: int) -> list[str]:
    output = StringIO()
    with override_settings(DEBUG=True):
        call_command("seed_demo", users=users, stdout=output)
    return output.getvalue().splitlines()


def edges() -> tuple[list, list]:
    return list(Follow.objects.order_by("pk").values()), list(Block.objects.order_by("pk").values())


def drifts() -> list:
    return [drift for chunk in reconcile.run("user", mend=False) for drift in chunk.drifts]


def test_a_few_have_hundreds_and_most_have_few():
    followers = [0] * 3_000
    pairs = [pair for each in newcomers(3_000) for pair in each.follows]
    for _, followee in pairs:
        followers[followee] += 1
    assert len(set(pairs)) == len(pairs)
    assert sum(each >= 100 for each in followers) in range(5, 50)
    assert max(followers) > 300
    assert statistics.median(followers) < 10


def test_the_graph_of_fewer_is_the_beginning_of_that_of_more():
    assert list(newcomers(300)) == list(newcomers(700))[:300]


def test_everything_is_there_and_counted_at_once(api):
    said = seed(300)
    assert f"{Follow.objects.count()} follows added." in said
    assert f"{Block.objects.count()} blocks added." in said
    assert Follow.objects.count() > 1_000
    assert Block.objects.count() > 5
    assert follows_despite_blocks() == 0
    assert Delta.objects.exists()
    assert not Counter.objects.exists()
    assert drifts() == []
    popular = Follow.objects.order_by("pk").first().followee
    (profile,) = api.get(f"users/profiles?ids={popular.pk}", by=popular).json["results"]
    assert profile["counts"]["followers"] == Follow.objects.filter(followee=popular).count() > 50


def test_again_changes_nothing_and_more_adds_the_rest():
    seed(120)
    before = edges()
    assert seed(120)[:3] == ["0 accounts added.", "0 follows added.", "0 blocks added."]
    assert edges() == before
    seed(150)
    follows, blocks = edges()
    assert (follows[: len(before[0])], blocks[: len(before[1])]) == before
    seed(0)
    assert edges() == (follows, blocks)
    assert drifts() == []


def test_what_people_did_meanwhile_stays_and_what_is_loaded_follows(api):
    """Edges of users are kept, and cached sets and counters follow the edges that are added."""
    seed(60)
    follows, blocks = edges()
    one, gone = Follow.objects.all()[:2]
    services.block(blocker_id=one.followee_id, blocked_id=one.follower_id)
    gone.delete()
    viewer, other = User.objects.get(pk=gone.follower_id), gone.followee_id

    def seen() -> tuple[bool, int]:
        (profile,) = ApiClient().get(f"users/profiles?ids={other}", by=viewer).json["results"]
        return profile["relationship"]["following"], profile["counts"]["followers"]

    was = seen()
    assert not was[0]
    seed(60)
    assert seen() == (True, was[1] + 1)
    assert Follow.objects.count() == len(follows) - 1
    assert Block.objects.count() == len(blocks) + 1
    assert follows_despite_blocks() == 0
    assert drifts() == []


@pytest.mark.services  # SQLite locks the whole database
def test_pairs_are_locked_while_they_are_looked_at():
    seed(20)
    assert PairLock.objects.count() > 20

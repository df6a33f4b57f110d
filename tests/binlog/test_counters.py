"""Counters are exact after direct edits of what they count, while the application writes the same."""

import random

import pytest

from caching.extend import LoggedTransaction, RowChange, tell_logged
from counters import rollup
from counters.api import counts_of, kinds, reconcile
from social import services
from social.models import Follow
from tests.support.polling import wait_until
from tests.support.threads import in_parallel
from users.models import User

pytestmark = pytest.mark.services


def drifts():
    return [str(drift) for kind in kinds() for chunk in reconcile(kind, mend=False) for drift in chunk.drifts]


@pytest.fixture
def users():
    return [User.objects.create_one(username=f"u{number}") for number in range(8)]


def test_with_the_application_writing(follower, users, new_program):
    def application(seed):
        chance = random.Random(seed)
        for _ in range(40):
            one, other = chance.sample(users, 2)
            write = services.follow if chance.random() < 0.5 else services.unfollow
            write(follower_id=one.pk, followee_id=other.pk)
            counts_of("user", [one.pk, other.pk])

    def program(seed):
        chance, sql = random.Random(seed), new_program()
        for _ in range(60):
            one, other = (user.pk for user in chance.sample(users, 2))
            if chance.random() < 0.5:
                sql("INSERT IGNORE INTO social_follow (follower_id, followee_id, created_at) VALUES (%s, %s, NOW(6))",
                    [one, other])  # fmt: skip
            elif chance.random() < 0.8:
                sql("DELETE FROM social_follow WHERE follower_id=%s AND followee_id=%s", [one, other])
            else:
                sql("DELETE FROM social_follow WHERE follower_id=%s", [one])  # many
            if chance.random() < 0.1:
                rollup.roll_up_all()
        sql.close()

    in_parallel(lambda: application(1), lambda: application(2), lambda: program(3), lambda: program(4))
    wait_until(lambda: drifts() == [] and shown(users) == counted(users))


def shown(users):
    counts = counts_of("user", [user.pk for user in users])
    return [(counts[user.pk]["following"], counts[user.pk]["followers"]) for user in users]


def counted(users):
    follows = Follow.objects.all()
    return [(follows.filter(follower=user).count(), follows.filter(followee=user).count()) for user in users]


def test_the_application_s_own_writes_are_not_corrected(follower, users, monkeypatch, sql):
    from counters import direct_edits

    mended = []
    monkeypatch.setattr(direct_edits.reconcile, "run_some", lambda *args: mended.append(args) or [])
    one, other = users[0].pk, users[1].pk
    services.follow(follower_id=one, followee_id=other)
    services.follow(follower_id=other, followee_id=one)
    services.unfollow(follower_id=one, followee_id=other)
    rollup.roll_up_all()
    sql("INSERT INTO social_follow (follower_id, followee_id, created_at) VALUES (%s, %s, NOW(6))",
        [users[2].pk, users[3].pk])  # fmt: skip
    wait_until(lambda: mended)
    assert [(kind, set(ids)) for kind, ids in mended] == [("user", {users[2].pk, users[3].pk})]


def test_counters_that_are_edited_themselves(follower, users, sql):
    services.follow(follower_id=users[0].pk, followee_id=users[1].pk)
    rollup.roll_up_all()
    assert counts_of("user", [users[1].pk])[users[1].pk]["followers"] == 1
    sql("UPDATE counters_counter SET value=41 WHERE name='followers' AND target_id=%s", [users[1].pk])
    wait_until(lambda: counts_of("user", [users[1].pk])[users[1].pk]["followers"] == 41)  # as somebody wished


def test_a_transaction_that_is_told_again_is_counted_once(users, sql):
    """Of a long transaction a part was told, when its reader had to begin anew."""
    one, other, third = (user.pk for user in users[:3])
    services.follow(follower_id=one, followee_id=other)
    gone = RowChange(Follow, Follow.objects.get(), None)
    sql("DELETE FROM social_follow")
    for followee in (other, third):
        sql("INSERT INTO social_follow (follower_id, followee_id, created_at) VALUES (%s, %s, NOW(6))",
            [one, followee])  # fmt: skip
    added = [RowChange(Follow, None, row) for row in Follow.objects.all()]
    tell_logged("default", [LoggedTransaction([gone], is_complete=False)])
    tell_logged("default", [LoggedTransaction([gone], is_complete=False), LoggedTransaction(added, is_first=False)])
    assert drifts() == []

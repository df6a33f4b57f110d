"""What is in the way of the follower: Redis that is away, a privilege that is missing, a kill in the middle."""

import logging
import os
import subprocess
import sys
import threading

import pytest
from django.db import connections
from django.utils import timezone

from binlog import follower as binlog_follower
from binlog.api import status
from binlog.models import Position
from config.environment import BASE_DIR
from counters import direct_edits
from counters.api import counts_of, kinds, reconcile
from jobs.models import HeartbeatRow
from tests.support.polling import wait_until
from tests.support.threads import LONGEST_S
from users.models import User

pytestmark = pytest.mark.services
DYING = """
import django
django.setup()
from counters import reconcile
from tests.support.crashes import dies_after, dies_at_commit, dies_before
from django.core.management import call_command
from caching.writing.transactions import WriteTransaction

{dies}
call_command("run_jobs", "follow_binlog")
"""
CRASHES = {
    "before a correction": 'dies_before(reconcile, "run_some")',
    "with a correction that is not committed": 'dies_before(WriteTransaction, "committed")',
    "with a correction that is committed": 'dies_after(WriteTransaction, "committed")',
}


@pytest.fixture
def worker():
    """worker(program…): start one in a process of its own, on the databases of the tests."""
    started = []

    def start(*program, **values):
        env = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", **values}
        started.append(subprocess.Popen([sys.executable, *program], cwd=BASE_DIR, env=env))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.wait()


def number(gtid):
    return int(gtid.split("-")[-1])


def drifts():
    return [str(drift) for kind in kinds() for chunk in reconcile(kind, mend=False) for drift in chunk.drifts]


def test_redis_that_is_away_is_caught_up_with(own_redis, settings, follower, sql, new_user):
    settings.CACHING = {**settings.CACHING, "PROOF_MS": 50}  # each process looks for what Redis was not told of
    users = [new_user(f"u{number}", nickname="before").pk for number in range(5)]
    assert {user.nickname for user in User.objects.get_some(users).results} == {"before"}
    own_redis.kill()
    for pk in users[:4]:
        sql("UPDATE users_user SET nickname='after' WHERE id=%s", [pk])
    (end,) = sql("SELECT @@gtid_binlog_pos")[0]
    own_redis.start()
    sql("UPDATE users_user SET nickname='after' WHERE id=%s", [users[4]])
    wait_until(lambda: {user.nickname for user in User.objects.get_some(users).results} == {"after"})
    wait_until(lambda: number(Position.objects.get().gtids) >= number(end))


def test_the_position_stays_until_the_effect(follower, sql, new_user, monkeypatch):
    """What cannot be applied is not passed over: it is read again."""
    pk = new_user("alice", nickname="before").pk
    assert User.objects.get_one(pk).nickname == "before"
    wait_until(lambda: Position.objects.get().gtids)
    tried = []

    def refuse(using, transactions):
        tried.append(Position.objects.get().gtids)
        raise OSError("refused")

    with monkeypatch.context() as patched:
        patched.setattr(binlog_follower, "apply_logged", refuse)
        sql("UPDATE users_user SET nickname='after' WHERE id=%s", [pk])
        wait_until(lambda: len(tried) >= 3)
    assert len(set(tried)) == 1
    wait_until(lambda: User.objects.get_one(pk).nickname == "after")


def test_entries_do_not_wait_for_counters_and_the_position_does(follower, sql, new_user, monkeypatch):
    alice, bob = new_user("alice", nickname="before").pk, new_user("bob").pk
    may_go_on, begun, run_some = threading.Event(), threading.Event(), direct_edits.reconcile.run_some

    def wait(*args):
        begun.set()
        assert may_go_on.wait(LONGEST_S)
        return run_some(*args)

    monkeypatch.setattr(direct_edits.reconcile, "run_some", wait)
    sql("INSERT INTO social_follow (follower_id, followee_id, created_at) VALUES (%s, %s, NOW(6))", [alice, bob])
    assert begun.wait(LONGEST_S)
    (end,) = sql("SELECT @@gtid_binlog_pos")[0]
    assert User.objects.get_one(alice).nickname == "before"
    sql("UPDATE users_user SET nickname='after' WHERE id=%s", [alice])
    wait_until(lambda: User.objects.get_one(alice).nickname == "after")
    seen_at = timezone.now()
    wait_until(Position.objects.filter(heard_at__gt=seen_at).exists)
    assert number(Position.objects.get().gtids) < number(end)
    may_go_on.set()
    wait_until(lambda: number(Position.objects.get().gtids) > number(end))
    assert counts_of("user", [alice])[alice]["following"] == 1


@pytest.mark.parametrize("dies", CRASHES)
def test_a_follower_that_is_killed_corrects_counters_once(worker, sql, new_user, dies):
    users = [new_user(f"u{number}").pk for number in range(4)]
    dying = worker("-c", DYING.format(dies=CRASHES[dies]))
    wait_until(lambda: dying.poll() is not None or status().is_following)
    assert dying.poll() is None
    for followee in users[1:]:
        sql("INSERT INTO social_follow (follower_id, followee_id, created_at) VALUES (%s, %s, NOW(6))",
            [users[0], followee])  # fmt: skip
    wait_until(lambda: dying.poll() is not None)
    worker("manage.py", "run_jobs", "follow_binlog")
    wait_until(lambda: drifts() == [])
    shown = counts_of("user", users)
    assert [shown[pk]["following"] for pk in users] == [3, 0, 0, 0]
    assert [shown[pk]["followers"] for pk in users] == [0, 1, 1, 1]


@pytest.fixture
def limited(sql):
    """An account that may do everything with the database, and not read the log; and the statement that lets it."""
    sql("CREATE USER limited@'%'")
    sql(f"GRANT ALL ON `{connections['default'].settings_dict['NAME']}`.* TO limited@'%'")
    yield "limited"
    sql("DROP USER limited@'%'")


def test_a_missing_privilege_is_named_and_other_jobs_go_on(worker, limited, sql, new_user):
    known = connections["default"].settings_dict
    url = f"mysql://{limited}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
    process = worker("manage.py", "run_jobs", "follow_binlog", "rollup", DATABASE_URL=url)
    wait_until(lambda: "GRANT REPLICATION SLAVE ON *.*" in status().bound)
    said_at = timezone.now()
    rollup = HeartbeatRow.objects.filter(job="rollup", worker__endswith=f":{process.pid}", failures=0)
    wait_until(lambda: rollup.filter(succeeded_at__gt=said_at).exists())
    sql("GRANT REPLICATION SLAVE ON *.* TO limited@'%'")
    wait_until(lambda: status().is_following)


@pytest.mark.parametrize(("has_log", "level"), [(False, logging.INFO), (True, logging.WARNING)])
def test_only_a_log_that_could_be_followed_is_worth_a_warning(db, monkeypatch, caplog, has_log, level):
    monkeypatch.setattr(binlog_follower.requirements, "missing", lambda using: "Something is missing.")
    monkeypatch.setattr(binlog_follower.requirements, "has_log", lambda using: has_log)
    with caplog.at_level(logging.INFO):
        assert binlog_follower.Follower().step() is False
    (said,) = [record for record in caplog.records if "Something is missing." in record.message]
    assert said.levelno == level

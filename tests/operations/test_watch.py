"""The log tells once what is not well, and once that it is again; the form with real faults is test_seen_in_time.py."""

from datetime import timedelta

import pytest
from django.utils import timezone

from api import outages
from jobs.api import known
from jobs.heartbeat import Heartbeat, RedisStore
from operations import health
from operations.sources import Call
from operations.watch import Watch
from tests.support.empty_redis import empty_redis

pytestmark = [pytest.mark.django_db(transaction=True)]


def beat(**of_rollup):
    """Write heartbeats of jobs that are well, but for what is said of the roll-up."""
    now = timezone.now()
    beats = [Heartbeat(job.name, "host:1", now, now, succeeded_at=now, pending=0) for job in known()]
    for each in beats:
        if each.job == "rollup":
            for name, value in of_rollup.items():
                setattr(each, name, value)
    RedisStore().write(beats)


@pytest.fixture
def look(caplog):
    """look(): what the watch logs when it looks once more."""
    empty_redis()
    watch = Watch()

    def look_again() -> list[str]:
        caplog.clear()
        watch.look()
        return [record.getMessage() for record in caplog.records]

    return look_again


def test_a_dead_job_and_a_late_one_are_told_once(look):
    now = timezone.now()
    beat()
    assert look() == []
    beat(beat_at=now - timedelta(seconds=30))
    assert look() == ["Not well: job rollup (stale)."]
    assert look() == []
    beat()
    assert look() == ["Well again: job rollup."]
    beat(pending=1_204, pending_since=now - timedelta(seconds=11))
    assert look() == ["Not well: job rollup (late, waiting: 1,204, the oldest for 11 s)."]


def test_work_that_has_not_waited_for_long_is_no_trouble(look):
    beat(pending=3, pending_since=timezone.now() - timedelta(seconds=2))
    assert look() == []


def test_a_database_that_does_not_answer_is_an_outage(look, monkeypatch):
    beat()

    def away():
        raise ConnectionError("gone")

    calls = {name: call if call.server != "database" else Call("database", away) for name, call in health.CALLS.items()}
    monkeypatch.setattr(health, "CALLS", calls)
    (line,) = look()
    assert line.startswith("The database cannot be reached (ConnectionError: gone): ")
    assert look() == []
    outages.database.answered()

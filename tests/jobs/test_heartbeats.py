"""Behaviour 110: heartbeats in both stores tell of each job, also while Redis or the database is away or hangs."""

import os
import signal
import time
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from counters.models import Delta
from jobs import states as reading
from jobs.heartbeat import FORGOTTEN, DatabaseStore, Heartbeat, RedisStore
from tests.jobs.workers import NAMES, states, wait_until_state
from tests.support.polling import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sampled]


def test_both_stores_tell_who_runs_each_job(worker):
    process = worker()
    for store in (RedisStore(), DatabaseStore()):
        wait_until(lambda store=store: {beat.job for beat in store.read() if beat.succeeded_at} == {*NAMES})
        assert all(beat.worker.endswith(f":{process.process.pid}") for beat in store.read())
    assert process.end() == 0
    assert RedisStore().read() == DatabaseStore().read() == []


def test_a_killed_worker_is_seen_in_time(worker):
    process = worker()
    wait_until_state("ok")
    process.process.kill()
    wait_until_state("stale")


def test_a_job_that_hangs_is_seen_and_the_others_are_well(worker):
    process = worker()
    wait_until_state("ok")
    process.break_job("removals", "hang")
    process.wait_until_hanging("removals")
    wait_until_state("stale", "removals")
    wait_until_state("ok", *(name for name in NAMES if name != "removals"))
    process.mend_job("removals")
    wait_until_state("ok")


def test_what_waits_is_counted_and_grows_old(worker):
    process = worker("rollup")
    wait_until_state("ok", "rollup")
    process.break_job("rollup", "outage")
    Delta.objects.bulk_create(Delta(kind="user", target_id=1, name="followers", amount=1) for _ in range(3))
    wait_until(lambda: states()["rollup"].pending == 3)
    first = states()["rollup"].pending_age_s
    wait_until(lambda: states()["rollup"].pending_age_s > first)
    process.mend_job("rollup")
    wait_until(lambda: (states()["rollup"].pending, states()["rollup"].pending_age_s) == (0, 0.0))


def test_without_redis_the_database_tells(worker, own_redis):
    process = worker(REDIS_URL=own_redis.url)
    wait_until_state("ok")
    own_redis.kill()
    wait_until_state("failing", "popup_events")
    assert states()["rollup"].is_alive
    own_redis.start()
    wait_until_state("ok")
    assert process.end() == 0
    assert "Traceback" not in process.log
    assert process.log.count("Heartbeats of jobs cannot be written to Redis") <= 1  # none: it was back too soon


@pytest.mark.services
def test_while_the_database_hangs_redis_tells(worker):
    process = worker()
    wait_until_state("ok")
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@pid_file, @@datadir")
        pid_file, folder = cursor.fetchone()
    server = int((Path(folder) / pid_file).read_text())
    os.kill(server, signal.SIGSTOP)
    try:
        wait_until_state("stale", *(name for name in NAMES if name != "sampling"))  # which has no rows to ask for
    finally:
        os.kill(server, signal.SIGCONT)
    wait_until_state("ok")
    assert process.end() == 0
    assert "Traceback" not in process.log


def test_nothing_is_known_where_neither_answers(monkeypatch, own_redis):
    own_redis.kill()
    monkeypatch.setattr(DatabaseStore, "read", lambda store: time.sleep(reading.DATABASE_S * 2))
    began = time.monotonic()
    assert {state.state for state in states().values()} == {"unknown"}
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("store", [RedisStore(), DatabaseStore()], ids=lambda store: store.name)
def test_workers_that_are_long_gone_are_forgotten(store):
    now = timezone.now()
    beats = {name: Heartbeat("rollup", name, now, now, error="é" * 300) for name in ("mine", "other")}
    old = Heartbeat("rollup", "old", now - FORGOTTEN * 2, now)
    store.write([*beats.values(), old])
    store.write([*beats.values(), old])
    store.clear("mine")
    assert store.read() == [beats["other"]]


def test_a_failing_worker_shows_beside_one_that_is_well():
    now = timezone.now()
    RedisStore().write([
        Heartbeat("rollup", "a:1", now, now, succeeded_at=now),
        Heartbeat("rollup", "b:1", now, now, failed_at=now, error="Error: no", failures=2),
    ])  # fmt: skip
    state = states()["rollup"]
    assert (state.state, state.workers, state.failures, state.last_error) == ("failing", 2, 2, "Error: no")
    assert state.last_success_at == now

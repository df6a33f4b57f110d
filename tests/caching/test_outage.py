"""Behaviour 16: reads and writes while Redis refuses, hangs, dies, is full, or is read-only."""

import logging

import pytest
from django.db import InterfaceError, transaction

from caching.models import PendingInvalidation
from caching.protocol import pending, steps
from caching.reading import stats
from caching.reading.batch import Batch
from caching.redis.breaker import breaker
from caching.redis.script import Script
from caching.testutils import redis_usage
from tests.caching.entry_state import state
from tests.caching.outages import (
    DEADLINE_S,
    READS,
    UNKNOWN,
    WRITES,
    key,
    served_until_the_cache_is_read_again,
    timed,
    waiting,
)
from tests.caching.statements import statements
from tests.support.circuit_breaker import renew
from tests.support.interpose import interpose
from tests.support.polling import wait_until
from tests.support.threads import in_another_thread, in_parallel
from tests.testapp.models import Author


@pytest.fixture(autouse=True)
def redis(own_redis):
    return own_redis


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("trouble", ["kill", "freeze"])
def test_reads_answer_from_the_database_within_the_deadline(redis, cached, read, trouble):
    getattr(redis, trouble)()
    name, took_s = timed(lambda: READS[read](cached))
    assert name == "Ann"
    assert took_s < 2 * DEADLINE_S


def test_while_redis_hangs_one_read_pays_and_the_others_do_not(redis, cached, settings):
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 60_000}
    redis.freeze()
    assert Author.objects.get_one(cached.pk).name == "Ann"
    with redis_usage() as usage:
        _, took_s = timed(lambda: [Author.objects.get_one(cached.pk) for _ in range(50)])
    assert usage.commands == 0
    assert took_s < DEADLINE_S


def test_when_redis_may_be_tried_again_one_thread_tries_it(redis, cached):
    """While this thread waits for Redis, the others read the database at once."""
    redis.freeze()
    Author.objects.get_one(cached.pk)
    wait_until(breaker.may_write)
    took_s = [took_s for _, took_s in in_parallel(*[lambda: timed(lambda: Author.objects.get_one(cached.pk))] * 10)]
    assert sum(one > 0.45 for one in took_s) <= 1
    assert max(took_s) < 2 * DEADLINE_S


def test_a_script_in_the_same_round_trip_is_not_answered(redis, cached):
    redis.kill()
    batch = Batch()
    rows, reply = batch.rows(Author, [cached.pk]), batch.script(Script("return 1"), keys=["x"])
    batch.run()
    assert (rows.instance(cached.pk).name, reply.result) == ("Ann", None)


@pytest.mark.parametrize(("trouble", "write"), [*(("kill", write) for write in WRITES), ("freeze", "update_one")])
def test_writes_commit_and_leave_their_keys_in_the_database(redis, cached, write, trouble):
    getattr(redis, trouble)()
    _, took_s = timed(lambda: WRITES[write](cached))
    assert took_s < 2 * DEADLINE_S
    assert key(cached) in waiting()
    assert READS["get_one"](cached) == in_another_thread(lambda: READS["get_one"](cached)) == "Anna"


def test_inserts_and_deletes_in_an_outage(redis, cached):
    assert Author.objects.get_some([cached.pk + 1]).missing == [cached.pk + 1]
    redis.kill()
    new = Author.objects.create_one(email="new@example.com")
    assert new.pk == cached.pk + 1
    Author.objects.filter(pk=cached.pk).delete()
    assert {key(new), key(cached)} < waiting()  # and the lookup value of the new row
    assert Author.objects.get_some([cached.pk, new.pk]) == ([new], [cached.pk])
    redis.start()
    wait_until(breaker.may_read)
    assert waiting() == set()
    for _ in range(2):
        assert Author.objects.get_some([new.pk, UNKNOWN]) == ([new], [UNKNOWN])
        assert Author.objects.get_one(email="new@example.com") == new
        assert Author.objects.get_some([new.pk - 1]).missing == [new.pk - 1]


def test_what_waits_belongs_to_the_writer_s_transaction(redis, cached):
    """A pending invalidation is committed or rolled back with the writer's transaction and costs one query."""
    redis.kill()
    Author.objects.get_one(cached.pk)
    with transaction.atomic():
        with statements() as sql:
            Author.objects.filter(pk=cached.pk).update(name="Anna")
        assert sql.about(PendingInvalidation) == 1
        assert key(cached) in waiting()
        assert in_another_thread(waiting) == set()
        assert READS["get_one"](cached) == "Anna"
        assert in_another_thread(lambda: READS["get_one"](cached)) == "Ann"
        transaction.set_rollback(True)
    assert waiting() == set()


def test_what_waits_is_written_again_after_a_savepoint_took_it_away(redis, cached):
    redis.kill()
    with transaction.atomic():
        with transaction.atomic():
            Author.objects.update_one(cached.pk, name="never")
            transaction.set_rollback(True)
        assert waiting() == set()
        with transaction.atomic():
            Author.objects.update_one(cached.pk, name="Anna")
        with statements() as sql:
            Author.objects.filter(pk__lte=cached.pk).delete()
        assert sql.about(PendingInvalidation) == 0  # what was recorded in a savepoint that was released stays
    assert key(cached) in waiting()
    redis.start()
    wait_until(breaker.may_read)
    assert Author.objects.get_some([cached.pk]).missing == [cached.pk]


def test_redis_dies_between_hold_and_commit(redis, cached):
    with transaction.atomic():
        Author.objects.update_one(cached.pk, name="Anna")
        redis.kill()
        assert READS["get_one"](cached) == "Anna"
    assert key(cached) in waiting()
    redis.forget()
    redis.start()
    assert served_until_the_cache_is_read_again(cached) == {"Anna"}


def test_redis_dies_between_commit_and_lift_and_the_database_cannot_be_told(redis, cached, caplog, monkeypatch):
    """The hold survives, so nothing stale is served; the write raises an error."""
    monkeypatch.setattr(pending, "record", lambda *_: (_ for _ in ()).throw(InterfaceError("gone")))
    with interpose(steps, "lift", before=redis.kill):
        Author.objects.update_one(cached.pk, name="Anna")
    assert "Neither Redis nor the database can be told of 1 written keys" in caplog.text
    redis.start()
    wait_until(breaker.may_read)
    assert state(cached) == "hold"
    assert READS["get_one"](cached) == "Anna"


@pytest.mark.parametrize("step", ["lease", "fill"])
@pytest.mark.parametrize("trouble", ["kill", "freeze"])
def test_redis_fails_in_the_middle_of_a_read(redis, ann, bea, step, trouble):
    with interpose(steps, step, before=getattr(redis, trouble)):
        found, took_s = timed(lambda: Author.objects.get_some([ann.pk, bea.pk, UNKNOWN]))
    assert ([author.name for author in found.results], found.missing) == (["Ann", "Bea"], [UNKNOWN])
    assert took_s < 2 * DEADLINE_S


def test_redis_fails_while_a_reader_waits_for_another_s_load(redis, ann):
    redis.client().set(key(ann), b"L" + b"x" * 16)
    with interpose(steps, "fetch", after=redis.kill):
        assert READS["get_one"](ann) == "Ann"


def test_full(redis, ann, bea):
    """Redis replies OOM to writes: hits are served, loads and writes bypass the cache."""
    Author.objects.get_one(ann.pk)
    redis.client().config_set("maxmemory", 1)
    assert Author.objects.get_one(ann.pk).name == "Ann"
    assert Author.objects.get_one(bea.pk).name == "Bea"
    Author.objects.update_one(ann.pk, name="Anna")
    assert READS["get_one"](ann) == in_another_thread(lambda: READS["get_one"](ann)) == "Anna"
    redis.client().config_set("maxmemory", 0)
    assert served_until_the_cache_is_read_again(ann) == {"Anna"}


def test_read_only(redis, cached, bea):
    """Redis is a replica, or a master that has lost its replicas."""
    redis.client().replicaof("127.0.0.1", 1)
    assert READS["get_one"](cached) == "Ann"
    assert Author.objects.get_one(bea.pk).name == "Bea"
    Author.objects.update_one(cached.pk, name="Anna")
    for _ in range(5):
        breaker.may_read()
        assert READS["get_one"](cached) == "Anna"
    assert key(cached) in waiting()
    redis.client().replicaof("NO", "ONE")
    assert served_until_the_cache_is_read_again(cached) == {"Anna"}


def test_scripts_that_redis_forgot_are_sent_again(redis, cached):
    redis.client().script_flush()
    Author.objects.update_one(cached.pk, name="Anna")
    assert READS["get_one"](cached) == "Anna"
    assert state(cached) == "value"
    assert waiting() == set()


def test_an_outage_is_logged_once(redis, cached, settings, caplog):
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 0}
    redis.kill()
    with caplog.at_level(logging.WARNING, logger="caching"):
        for _ in range(5):
            Author.objects.get_one(cached.pk)
    (record,) = caplog.records
    assert "reads go to the database until it answers again" in record.message


def test_a_process_that_never_reached_redis_says_so_once(redis, cached, settings, caplog, monkeypatch):
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 0}
    renew()
    redis.kill()
    with caplog.at_level(logging.WARNING, logger="caching"):
        for _ in range(5):
            assert Author.objects.get_one(cached.pk).name == "Ann"
    assert len(caplog.records) == 1


def test_reads_past_the_cache_are_counted(redis, cached):
    redis.kill()
    before = stats.snapshot()["testapp.author"].get("bypasses", 0)
    Author.objects.get_some([cached.pk, UNKNOWN])
    assert stats.snapshot()["testapp.author"]["bypasses"] == before + 2

"""Behaviour 16: the cache after an outage of Redis, which returns with or without its data."""

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from caching.models import PendingInvalidation
from caching.protocol import pending, steps
from caching.redis.breaker import breaker
from tests.caching.entry_state import entry, state
from tests.caching.outages import READS, WRITES, key, served_until_the_cache_is_read_again, waiting
from tests.caching.statements import statements
from tests.support.circuit_breaker import renew
from tests.support.interpose import interpose
from tests.support.polling import wait_until
from tests.support.threads import in_another_thread, in_parallel
from tests.testapp.models import Author


@pytest.fixture(autouse=True)
def redis(own_redis):
    return own_redis


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("returns", ["with its data", "without its data"])
def test_nothing_stale_is_served_after_redis_returns(redis, cached, write, returns):
    old = entry(cached)
    redis.kill()
    WRITES[write](cached)
    if returns == "without its data":
        redis.forget()
    redis.start()
    assert redis.client().get(key(cached)) == (old if returns == "with its data" else None)
    assert served_until_the_cache_is_read_again(cached) == {"Anna"}
    assert waiting() == set()
    assert entry(cached) not in (None, old)


@pytest.mark.parametrize("write", ["update_one", "update"])
def test_nothing_stale_is_served_after_redis_hung(redis, cached, write, settings):
    """Redis then executes the commands that it received; a hold that came too late is lifted by nobody and expires."""
    settings.CACHING = {**settings.CACHING, "HOLD_MS": 1_500}
    redis.freeze()
    WRITES[write](cached)
    assert key(cached) in waiting()
    redis.thaw()
    assert served_until_the_cache_is_read_again(cached) == {"Anna"}
    assert waiting() == set()


def test_the_process_drains_before_it_reads_although_other_rows_wait_too(redis, cached):
    redis.kill()
    Author.objects.update_one(cached.pk, name="Anna")
    PendingInvalidation.objects.bulk_create(PendingInvalidation(key=f"hp:other:{n}") for n in range(2_500))
    redis.start()
    wait_until(breaker.may_read)
    assert waiting() == set()
    assert Author.objects.get_one(cached.pk).name == "Anna"


def test_a_process_that_starts_drains_before_it_reads(redis, cached, monkeypatch):
    """The writer's process may have ended while the old entry is still in Redis."""
    old = entry(cached)
    redis.kill()
    Author.objects.update_one(cached.pk, name="Anne")
    redis.start()
    assert redis.client().get(key(cached)) == old
    renew()
    assert Author.objects.get_one(cached.pk).name == "Anne"


def test_the_command_drains_for_processes_that_were_never_cut_off(redis, cached, settings, capsys):
    """This process alone is cut off and writes; another process reads the old entry until the command runs."""
    location = settings.CACHES["default"]["LOCATION"]
    point_at(settings, "redis://127.0.0.1:1/0")
    Author.objects.update_one(cached.pk, name="Anna")
    assert redis.client().get(key(cached))
    assert key(cached) in waiting()
    point_at(settings, location)
    call_command("drain_invalidations", once=True)
    assert capsys.readouterr().out == "1 invalidations applied.\n"
    assert (waiting(), redis.client().get(key(cached))) == (set(), None)
    call_command("drain_invalidations", once=True)
    assert capsys.readouterr().out == "0 invalidations applied.\n"


def point_at(settings, location):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}


def test_the_command_says_in_a_sentence_that_it_cannot_drain(redis, cached):
    redis.kill()
    Author.objects.update_one(cached.pk, name="Anna")
    before = waiting()
    with pytest.raises(CommandError, match="Nothing lost, but not all applied"):
        call_command("drain_invalidations", once=True)
    assert waiting() == before


def test_several_processes_may_drain_at_once(redis):
    PendingInvalidation.objects.bulk_create(PendingInvalidation(key=f"hp:other:{n}") for n in range(50))
    redis.client().mset({f"hp:other:{n}": b"Vold" for n in range(50)})
    in_parallel(*[lambda: pending.apply_pending("default")] * 4)
    assert (waiting(), redis.client().keys("hp:other:*")) == (set(), [])


def test_draining_leaves_the_holds_of_writers_at_work(redis, cached):
    with transaction.atomic():
        Author.objects.update_one(cached.pk, name="Anna")
        steps.discard([key(cached)])
        assert state(cached) == "hold"
        assert in_another_thread(lambda: READS["get_one"](cached)) == "Ann"
    assert READS["get_one"](cached) == "Anna"


def test_redis_comes_back_as_it_was_before_the_hold(redis, cached):
    """Redis has lost an acknowledged hold; the writer's process knows that its lift has failed."""
    old = entry(cached)
    with transaction.atomic():
        Author.objects.update_one(cached.pk, name="Anna")
        redis.kill()
    redis.forget()
    redis.start()
    redis.client().set(key(cached), old)
    assert served_until_the_cache_is_read_again(cached) == {"Anna"}


def test_a_writer_that_began_in_the_outage_and_commits_after_it(redis, cached):
    """Others cannot apply uncommitted invalidations: the cache is used meanwhile, and the writer lifts its keys."""
    redis.kill()
    with transaction.atomic():
        Author.objects.update_one(cached.pk, name="Anna")
        redis.start()

        def hit():
            with statements() as sql:
                assert Author.objects.get_one(cached.pk).name == "Ann"
            return not sql

        in_another_thread(lambda: wait_until(hit))
        assert READS["get_one"](cached) == "Anna"
    assert READS["get_one"](cached) == in_another_thread(lambda: READS["get_one"](cached)) == "Anna"
    assert waiting() == set()


def test_a_failure_during_the_recovery_keeps_the_cache_closed(redis, cached):
    """The failure is of a writer whose pending invalidation the recovery may not have seen."""
    breaker.trip(OSError("first"))
    wait_until(breaker.may_write)
    with interpose(pending, "apply_pending", after=lambda: breaker.trip(OSError("meanwhile"))):
        assert not breaker.may_read()
    wait_until(breaker.may_read)


def test_a_transaction_leaves_the_recovery_to_another_thread(redis, cached):
    """The snapshot of a transaction may not contain the newest pending invalidations."""
    redis.kill()
    Author.objects.update_one(cached.pk, name="Anna")
    redis.start()
    wait_until(breaker.may_write)
    with transaction.atomic():
        assert READS["get_one"](cached) == "Anna"
    wait_until(lambda: breaker.is_closed)
    assert key(cached) not in waiting()

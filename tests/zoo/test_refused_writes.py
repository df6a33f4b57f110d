"""Redis refuses writes and answers reads: a process that only has hits learns of it within a second."""

import asyncio
import time

import pytest
from django.db import OperationalError

from caching.api import Batch
from caching.extend import EventLoopClient
from caching.models import PendingInvalidation
from caching.protocol import pending, watch
from caching.redis.breaker import breaker
from tests.support.polling import wait_until
from tests.zoo.models import Account
from tests.zoo.processes import Process, say

pytestmark = pytest.mark.any_database

WITHIN_S = 1.0
PROOF_MS = "500"  # the default


def too_few_replicas(redis):
    redis.client().config_set("min-replicas-to-write", 1)


def failing_save(redis):
    """The disk is full, for example: Redis answers MISCONF to all writes."""
    (redis.folder / "dump.rdb").mkdir()
    redis.client().config_set("save", "3600 1")
    redis.client().bgsave()
    wait_until(lambda: redis.client().info("persistence")["rdb_last_bgsave_status"] == "err")


def replica(redis):
    redis.client().replicaof("127.0.0.1", 1)


def full(redis):
    redis.client().config_set("maxmemory", 1)


REFUSALS = [too_few_replicas, failing_save, replica, full]


def read_until_new(pk: str) -> None:
    """Read one row again and again, all hits at first; say when its old value was read last."""
    say(Account.objects.get_one(int(pk)).owner)
    last_old = 0.0
    while Account.objects.get_one(int(pk)).owner == "old":
        last_old = time.monotonic()
        time.sleep(0.001)
    say(last_old)


def read_until_new_in_event_loop(pk: str) -> None:
    """The same by an event loop, which gives what is not a hit to a thread."""
    asyncio.run(_read_in_event_loop(int(pk)))


async def _read_in_event_loop(pk: int) -> None:
    client, name, last_old, hits = EventLoopClient(), "old", 0.0, 0
    say(await asyncio.to_thread(lambda: Account.objects.get_one(pk).owner))
    while name == "old":
        last_old = time.monotonic()
        batch = Batch()
        rows = batch.rows(Account, [pk])
        future = asyncio.get_running_loop().create_future()
        if client.send(batch.commands(), future.set_result) and batch.resolve(await future):
            name = rows.instance(pk).owner
            hits += 1
        else:
            name = await asyncio.to_thread(lambda: Account.objects.get_one(pk).owner)
        await asyncio.sleep(0.001)
    say(last_old if hits > 20 else "no hits")


def last_old_read(function, redis, before_write, write):
    """Return how long after the acknowledged write another process went on reading the old value, in seconds."""
    account = Account.objects.create(number="1", owner="old")
    assert Account.objects.get_one(account.pk).owner == "old"
    environment = {"REDIS_URL": redis.url, "ZOO_PROOF_MS": PROOF_MS}
    with Process(f"tests.zoo.test_refused_writes:{function.__name__}", account.pk, **environment) as reader:
        assert reader.line() == "old"
        time.sleep(0.3)
        before_write(redis)
        write(account)
        acknowledged = time.monotonic()
        return float(reader.line()) - acknowledged


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("reader", [read_until_new, read_until_new_in_event_loop])
def test_a_process_that_only_has_hits_stops_reading_the_old_value(own_redis, refusal, reader):
    def write(account):
        Account.objects.update_one(account.pk, owner="new")

    assert last_old_read(reader, own_redis, refusal, write) < WITHIN_S
    # A full Redis takes deletions, so the reader may have applied what was pending.
    assert refusal is full or PendingInvalidation.objects.exists()
    assert not breaker.is_closed


def test_what_a_process_that_is_cut_off_leaves_pending_is_found_without_the_command(own_redis, settings):
    def cut_off(redis):
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}

    def write(account):
        Account.objects.update_one(account.pk, owner="new")

    # The reader is killed then, maybe before it has deleted what it has applied.
    assert last_old_read(read_until_new, own_redis, cut_off, write) < WITHIN_S


def test_the_recovery_is_proved_by_a_write(own_redis):
    account = Account.objects.create(number="1", owner="old")
    assert Account.objects.get_one(account.pk).owner == "old"
    replica(own_redis)
    Account.objects.update_one(account.pk, owner="new")
    for _ in range(3):
        time.sleep(0.06)
        assert not breaker.may_read()  # though Redis answers PING
        assert Account.objects.get_one(account.pk).owner == "new"
    own_redis.client().replicaof("NO", "ONE")
    wait_until(breaker.may_read)
    assert Account.objects.get_one(account.pk).owner == "new"


def test_a_failing_database_is_no_news_for_hits(own_redis, monkeypatch):
    def away(using):
        raise OperationalError("server has gone away")

    account = Account.objects.create(number="1", owner="old")
    assert Account.objects.get_one(account.pk).owner == "old"
    with monkeypatch.context() as patch:
        patch.setattr(pending, "apply_pending", away)
        watch.look()
    assert breaker.is_closed
    assert Account.objects.get_one(account.pk).owner == "old"

"""Behaviour 142: Redis comes back with an older copy of its data, and nothing old is read once that is known."""

import shutil
import time

import pytest

from caching.extend import agreement
from caching.models import RedisRun
from devtools.redis_node import RedisNode
from launcher.embedded_redis import redis_server
from tests.caching.outages import served_until_the_cache_is_read_again
from tests.support.circuit_breaker import fresh_breaker, renew
from tests.support.empty_redis import empty_redis
from tests.support.id_set_members import members_among
from tests.support.polling import wait_until
from tests.support.redis_location import use_redis
from tests.testapp.models import Author, Loan, loans

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sampled]
READER, BOOK = 7, 2
WITHIN_S = 1.0
DUMP = ("--dbfilename", "dump.rdb")
LOG = ("--appendonly", "yes", "--appendfsync", "no")


@pytest.fixture(params=[DUMP, LOG], ids=["dump", "log"])
def redis(request, tmp_path, settings):
    """A Redis that keeps its data in a dump that it writes on demand, or in its append-only log."""
    node = RedisNode(redis_server(), tmp_path / "redis", request.param)
    node.is_logging = request.param is LOG
    use_redis(settings, f"redis://127.0.0.1:{node.port}/0")
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 50, "PROOF_MS": 50}
    with fresh_breaker():
        try:
            node.start()
            empty_redis()
            yield node
        finally:
            node.end()


@pytest.fixture
def copy(redis, cached, tmp_path):
    """The data on disk while the old entries stand; the job has written its number since, and before."""
    members_among(loans, READER, [BOOK])
    agreement.advance()
    with redis.client() as client:
        if not redis.is_logging:
            client.save()
        keys = {key: client.dump(key) for key in client.scan_iter()}
    shutil.copytree(redis.folder, copy := tmp_path / "copy")
    write(cached)
    agreement.advance()
    return copy, keys


def write(author):
    Author.objects.update_one(author.pk, name="Anna")
    Loan.objects.create(reader=READER, book=BOOK)


def restarted(redis, folder):
    redis.kill()
    shutil.rmtree(redis.folder)
    shutil.copytree(folder, redis.folder)
    redis.start()


def reads_old_entries_no_more(author):
    """Read until all is a hit again; nothing old may be read, from now on."""
    assert served_until_the_cache_is_read_again(author) == {"Anna"}
    assert list(members_among(loans, READER, [BOOK])) == [BOOK]


@pytest.mark.parametrize("process", ["that wrote", "that starts"])
def test_redis_restarts_from_an_older_copy(redis, cached, copy, process):
    restarted(redis, copy[0])
    if process == "that starts":
        renew()
    reads_old_entries_no_more(cached)
    assert RedisRun.objects.count() == 2


def reload(redis, copy, keys):
    """Load the dump on disk into the server that runs."""
    shutil.copy(copy / "dump.rdb", redis.folder)
    with redis.client() as client:
        client.execute_command("DEBUG", "RELOAD", "NOSAVE")


def restore(redis, copy, keys):
    """Put the keys of the copy in place of all that there is."""
    with redis.client() as client:
        client.flushall()
        for key, value in keys.items():
            client.restore(key, 0, value, replace=True)


@pytest.mark.parametrize("load", [reload, restore])
def test_an_older_copy_is_loaded_into_the_server_that_runs(redis, cached, copy, caplog, load):
    if load is reload and redis.is_logging:
        pytest.skip("DEBUG RELOAD of a Redis with a log reads the dump that it has written itself")
    load(redis, *copy)
    assert Author.objects.get_one(cached.pk).name == "Ann"  # or there is nothing to be noticed
    agreement.advance()  # by the job, in another process
    began = time.monotonic()
    wait_until(lambda: Author.objects.get_one(cached.pk).name == "Anna")
    assert time.monotonic() - began < WITHIN_S
    reads_old_entries_no_more(cached)
    assert "Redis has an older copy of its data" in caplog.text
    assert RedisRun.objects.get().mark
    Author.objects.update_one(cached.pk, name="Anna")  # and all is as ever
    agreement.advance()
    assert caplog.text.count("Redis has an older copy") == 1
    reads_old_entries_no_more(cached)


def test_a_process_that_starts_notices_by_itself(redis, cached, copy):
    restore(redis, *copy)
    renew()
    reads_old_entries_no_more(cached)


def test_an_emptied_redis_is_no_older_copy(redis, cached, copy, caplog):
    with redis.client() as client:
        client.flushall()
    agreement.advance()
    agreement.advance()
    assert RedisRun.objects.get().mark == ""
    assert "older copy" not in caplog.text
    reads_old_entries_no_more(cached)

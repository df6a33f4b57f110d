"""Threads behind Sentinels: the master is demoted, and lives on; nothing old is read, and the new one is used soon."""

import threading

import pytest

from caching.redis.sentinel import address_book
from devtools.redis_sentinel import SERVICE
from tests.caching.statements import statements
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis
from tests.support.polling import wait_until
from tests.support.redis_location import use_redis
from tests.support.short_form import SHORT
from tests.support.threads import Task
from tests.testapp.models import Author

pytestmark = [pytest.mark.embedded, pytest.mark.parametrize("topology", ["sentinel"], indirect=True)]


@pytest.fixture
def author(topology, settings, transactional_db):
    use_redis(settings, topology.url)
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 100, "PROOF_MS": 100}
    with fresh_breaker():
        empty_redis()
        yield Author.objects.create_one(name="0", email="ann@x")


def is_hit(author):
    with statements() as sql:
        Author.objects.get_one(author.pk)
    return not any("testapp_author" in each for each in sql)


@pytest.mark.skipif(SHORT, reason="A Sentinel takes ten seconds to tell the old master that it is none.")
def test_a_master_that_is_demoted(topology, author):
    end = threading.Event()

    def write_and_read():
        names = []
        while not end.is_set():
            Author.objects.update_one(author.pk, name=str(len(names)))
            names.append((str(len(names)), Author.objects.get_one(author.pk).name))
        return names

    (master,) = topology.masters()
    task = Task(write_and_read)
    promoted = topology.fail_over(master)
    end.set()
    names = task.result()
    assert len(names) > 10
    assert [read for written, read in names if read != written] == []
    wait_until(lambda: is_hit(author))
    assert address_book().master() == promoted.address


def test_a_master_that_is_made_a_replica_by_hand(topology, author):
    """Its refusal is what tells: the connection is left, and the Sentinels are asked."""
    wait_until(lambda: is_hit(author))
    (master,) = topology.masters()
    replica = topology.replicas_of(master)[0]
    with master.client() as client:
        client.replicaof(*replica.address)
    Author.objects.update_one(author.pk, name="new")
    assert Author.objects.get_one(author.pk).name == "new"
    with master.client() as client:
        client.replicaof("NO", "ONE")
    wait_until(lambda: is_hit(author))
    assert Author.objects.get_one(author.pk).name == "new"


@pytest.fixture
def left_behind(topology, author):
    """(a Sentinel, the master): it led a failover to a server that died at once, and the old master is one again.

    The Sentinel tells of the dead server, with the epoch of its successor, until it is reset.
    """
    (master,), sentinel = topology.masters(), topology.sentinels[0]
    lost, other = topology.replicas_of(master)
    never_promoted(topology, other)
    other.cut_off_from_master()  # the failover goes on until it follows the new master
    command(sentinel, "SET", SERVICE, "failover-timeout", 600_000)
    command(sentinel, "FAILOVER", SERVICE)
    topology.wait_until_failed_over(master)
    lost.kill()
    wait_until(lambda: {each.master_port() for each in topology.sentinels[1:]} == {master.port})
    wait_until(lambda: epoch_of(sentinel) == epoch_of(topology.sentinels[1]))
    yield sentinel, master
    command(sentinel, "RESET", SERVICE)
    topology.restart(lost)


def never_promoted(topology, replica):
    with replica.client() as client:
        client.config_set("replica-priority", 0)
    wait_until(lambda: all(priority_of(replica, each) == 0 for each in topology.sentinels))


def priority_of(replica, sentinel):
    with sentinel.client() as client:
        return next(each["slave-priority"] for each in client.sentinel_slaves(SERVICE) if each["port"] == replica.port)


def epoch_of(sentinel):
    with sentinel.client() as client:
        return client.sentinel_master(SERVICE)["config-epoch"]


def command(sentinel, *words):
    with sentinel.client() as client:
        client.execute_command("SENTINEL", *words)


@pytest.mark.skipif(SHORT, reason="A Sentinel learns of a replica's priority in ten seconds.")
def test_a_sentinel_that_is_left_behind_is_outvoted(left_behind):
    sentinel, master = left_behind
    assert sentinel.master_port() != master.port
    assert {address_book().discover_master(SERVICE) for _ in range(30)} == {master.address}

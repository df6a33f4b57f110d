"""Threads behind Sentinels: the master is demoted, and lives on; nothing old is read, and the new one is used soon."""

import threading

import pytest

from caching.redis.sentinel import address_book
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

"""Behaviour 70: a master that was cut off still runs and is used by processes at its side; a replica has its place."""

import multiprocessing
import os

import pytest
from django.conf import settings as django_settings
from django.db import connections, transaction
from django.test import override_settings

from caching.models import RedisRun
from caching.redis.breaker import breaker
from caching.redis.client import redis_client
from serving.parent_death import end_with_parent
from tests.caching.outages import waiting
from tests.caching.statements import statements
from tests.support.circuit_breaker import renew
from tests.support.polling import wait_until
from tests.support.redis_location import caches_at
from tests.testapp.models import Author

FORKED = multiprocessing.get_context("fork")


class OtherProcess:
    """A process that uses another Redis than this one, and does what it is asked."""

    def __init__(self, location):
        self._here, there = FORKED.Pipe()
        self._process = FORKED.Process(target=self._run, args=[there, location], daemon=True)
        connections.close_all()
        self._process.start()

    def ask(self, question, *arguments):
        """Return the result of a function there."""
        self._here.send((question.__name__, arguments))
        assert self._here.poll(60)
        return self._here.recv()

    def end(self):
        self._process.kill()
        self._process.join()

    def _run(self, pipe, location):
        end_with_parent()
        connections.close_all()
        with override_settings(CACHES=caches_at(location, django_settings.CACHES)):
            renew()
            while True:
                name, arguments = pipe.recv()
                pipe.send(globals()[name](*arguments))


def name_of(pk):
    return Author.objects.get_one(pk).name


def name_by_a_hit(pk):
    def hit():
        with statements() as sql:
            found.append(Author.objects.get_one(pk).name)
        return not any("testapp_author" in each for each in sql)

    found = []
    wait_until(hit)
    return found[-1]


def rename(pk, name):
    Author.objects.update_one(pk, name=name)
    return os.getpid()


@pytest.fixture
def other(redis_pair, cached):
    """A process at the side of the promoted replica; this one stays at the old master's, which takes writes still."""
    redis_pair.cut_off()
    with redis_pair.replica.client() as client:
        client.replicaof("NO", "ONE")
    process = OtherProcess(f"redis://127.0.0.1:{redis_pair.replica.port}/0")
    yield process
    process.end()


def test_a_write_at_the_old_master_s_side_shows_at_the_other(other, cached):
    """Before its process has learned of the new master."""
    assert other.ask(name_by_a_hit, cached.pk) == "Ann"
    Author.objects.update_one(cached.pk, name="Anna")
    wait_until(lambda: other.ask(name_of, cached.pk) == "Anna")
    for _ in range(3):
        assert other.ask(name_by_a_hit, cached.pk) == "Anna"


@pytest.mark.services  # SQLite has one writer at a time
def test_a_write_that_was_at_work_meanwhile(other, cached):
    """It holds at the old master, the new one is agreed on and filled, then it commits."""
    with transaction.atomic():
        Author.objects.update_one(cached.pk, name="Anna")
        assert other.ask(name_by_a_hit, cached.pk) == "Ann"
    wait_until(lambda: other.ask(name_of, cached.pk) == "Anna")
    for _ in range(3):
        assert other.ask(name_by_a_hit, cached.pk) == "Anna"


def test_what_is_recorded_for_the_new_master_is_not_lost_to_the_old_one(redis_pair, other, cached):
    """Rows that are pending are applied where processes read."""
    assert other.ask(name_by_a_hit, cached.pk) == "Ann"
    redis_pair.replica.freeze()
    Author.objects.update_one(cached.pk, name="Anna")
    assert waiting()
    for _ in range(3):
        breaker.retry()
    assert waiting()
    redis_pair.replica.thaw()
    wait_until(lambda: other.ask(name_of, cached.pk) == "Anna")
    wait_until(lambda: not waiting())


def test_a_reader_at_the_old_master_s_side_does_not_stay_with_old_values(other, cached):
    assert name_by_a_hit(cached.pk) == "Ann"
    other.ask(name_by_a_hit, cached.pk)
    other.ask(rename, cached.pk, "Anna")
    wait_until(lambda: name_of(cached.pk) == "Anna")  # for at most PROOF_MS and a look at the database
    assert not breaker.is_closed
    assert {name_of(cached.pk) for _ in range(20)} == {"Anna"}


def test_a_process_that_starts_does_not_believe_the_old_master(other, cached):
    other.ask(name_by_a_hit, cached.pk)
    other.ask(rename, cached.pk, "Anna")
    renew()
    assert {name_of(cached.pk) for _ in range(20)} == {"Anna"}
    assert RedisRun.objects.count() == 1
    assert redis_client().ping()

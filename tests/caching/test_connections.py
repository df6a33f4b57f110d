"""Connections to Redis are kept and reused, and used by one thread at a time."""

import multiprocessing
import threading
import time
from functools import partial

import pytest

from caching.redis.client import redis_client
from caching.redis.pool import FRESH_S
from tests.support.threads import in_parallel
from tests.testapp.models import Author

FORKED = multiprocessing.get_context("fork")


def clients() -> int:
    return redis_client().info("clients")["connected_clients"]


def test_a_connection_that_the_server_closed_costs_nothing_but_a_new_one(ann, django_assert_num_queries, caplog):
    Author.objects.get_one(ann.pk)
    redis_client().client_kill_filter(_type="normal", skipme=True)
    time.sleep(FRESH_S)
    with django_assert_num_queries(0):
        assert Author.objects.get_one(ann.pk).name == "Ann"
    assert not caplog.records


def test_threads_that_take_turns_share_one(ann):
    Author.objects.get_one(ann.pk)
    before = clients()
    for _ in range(20):
        thread = threading.Thread(target=Author.objects.get_one, args=(ann.pk,))
        thread.start()
        thread.join()
    assert clients() == before


def test_an_answer_never_reaches_another_asker(ann, bea):
    Author.objects.get_some([ann.pk, bea.pk])

    def read(author):
        return all(Author.objects.get_one(author.pk).pk == author.pk for _ in range(200))

    assert all(in_parallel(*[partial(read, author) for author in (ann, bea) * 8]))


@pytest.mark.one_redis
def test_a_forked_process_opens_its_own(ann):
    """On a shared connection each process would read replies to the other's commands."""
    Author.objects.get_one(ann.pk)
    before = clients()
    done = FORKED.Barrier(2)

    def read():
        found = Author.objects.get_one_cols(ann.pk, "name")
        done.wait(20)
        done.wait(20)
        raise SystemExit(found != {"name": "Ann"})

    child = FORKED.Process(target=read)
    child.start()
    done.wait(20)
    assert clients() == before + 1
    done.wait(20)
    child.join(20)
    assert child.exitcode == 0

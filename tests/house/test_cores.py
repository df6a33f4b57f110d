"""gunicorn's workers each keep to a core, where there are as many of them as cores."""

import os
import signal
import time

import pytest

from serving.workers import cores
from serving.workers.cores import Cores
from tests.house.launcher import GUNICORN

WAIT_S = 20 + 20  # a worker that ends has serving.gunicorn_config's graceful_timeout for it
GTHREAD = (*GUNICORN, "-k", "gthread", "config.wsgi")


def test_cores_are_shared_alike():
    cores = Cores({4, 5})
    first, second, new_first, new_second = (cores.allocate(2) for _ in range(4))  # two of a reload
    assert {first, second} == {new_first, new_second} == {4, 5}
    for gone in (first, second, new_second):
        cores.release(gone)
    assert cores.allocate(2) == new_second


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_who_could_not_share_them_alike_keep_to_none(workers):
    assert Cores({0, 1}).allocate(workers) is None


def test_where_the_system_does_not_tell_nobody_keeps_to_any():
    assert Cores(set()).allocate(2) is None


def test_a_system_that_does_not_tell(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores.available() == set()


def test_a_core_that_is_not_there_any_more():
    before = os.sched_getaffinity(0)
    cores.pin_process(1_000)
    assert os.sched_getaffinity(0) == before


@pytest.fixture
def two_cores():
    """For programs started meanwhile."""
    all_cores = os.sched_getaffinity(0)
    if len(all_cores) < 2:
        pytest.skip("this machine has one core")
    two = set(sorted(all_cores)[:2])
    os.sched_setaffinity(0, two)
    yield two
    os.sched_setaffinity(0, all_cores)


def workers_of(program):
    master = program.process.pid
    with open(f"/proc/{master}/task/{master}/children") as children:
        return [int(pid) for pid in children.read().split()]


def cores_of(pid):
    """Of each thread."""
    try:
        return [frozenset(os.sched_getaffinity(int(task))) for task in os.listdir(f"/proc/{pid}/task")]
    except (FileNotFoundError, ProcessLookupError):  # has just ended
        return []


def assert_one_on_each(program, two, but=()):
    """Once there are two workers, none of them one of `but`."""
    deadline = time.monotonic() + WAIT_S
    while True:
        workers = workers_of(program)
        seen = [set(cores_of(pid)) for pid in workers]
        if not {*workers} & {*but} and sorted(seen, key=str) == sorted([{frozenset({core})} for core in two], key=str):
            return
        assert time.monotonic() < deadline, (workers, seen, but, program.log.read_text())
        time.sleep(0.05)


@pytest.mark.embedded
@pytest.mark.usefixtures("inhabited")
@pytest.mark.parametrize("server", [GUNICORN, GTHREAD])
def test_each_worker_keeps_to_one_even_if_it_comes_later(program, two_cores, server):
    web = program(server, WEB_WORKERS="2").until_up()
    web.ask("/api/v1/users/1")  # starts a thread
    assert_one_on_each(web, two_cores)
    kept, killed = workers_of(web)
    os.kill(killed, signal.SIGKILL)
    assert_one_on_each(web, two_cores, but=[killed])
    before = workers_of(web)
    assert kept in before
    web.process.send_signal(signal.SIGHUP)
    assert_one_on_each(web, two_cores, but=before)

"""gunicorn's workers are each bound to a core if there are as many workers as cores."""

import os
import signal
import time

import pytest

from serving.workers import cores
from serving.workers.cores import Cores
from tests.support.programs import GUNICORN

WAIT_S = 20 + 20  # a worker may take the graceful_timeout of serving.gunicorn_config to end
GTHREAD = (*GUNICORN, "-k", "serving.workers.thread_worker.ThreadWorker", "config.wsgi")


def test_cores_are_shared_alike():
    cores = Cores({4, 5})
    first, second, new_first, new_second = (cores.allocate(2) for _ in range(4))  # the last two by a reload
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
    """Bind this process, and programs that it starts, to two cores."""
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
    """Return the cores of each thread of a process."""
    try:
        return [frozenset(os.sched_getaffinity(int(task))) for task in os.listdir(f"/proc/{pid}/task")]
    except (FileNotFoundError, ProcessLookupError):  # the process has just ended
        return []


def assert_one_on_each(program, two, but=()):
    """Wait until there are two workers other than `but`; assert that each is bound to another core."""
    deadline = time.monotonic() + WAIT_S
    while True:
        workers = workers_of(program)
        seen = [set(cores_of(pid)) for pid in workers]
        if not {*workers} & {*but} and sorted(seen, key=str) == sorted([{frozenset({core})} for core in two], key=str):
            return
        assert time.monotonic() < deadline, (workers, seen, but, program.log.read_text())
        time.sleep(0.05)


@pytest.mark.embedded
@pytest.mark.usefixtures("without_demo_data")
@pytest.mark.parametrize("server", [GUNICORN, GTHREAD])
def test_each_worker_keeps_to_one_even_if_it_comes_later(program, two_cores, server):
    web = program(server, WEB_WORKERS="2").wait_until_up()
    web.ask("/api/v1/users/1")  # starts a thread of the worker
    assert_one_on_each(web, two_cores)
    kept, killed = workers_of(web)
    os.kill(killed, signal.SIGKILL)
    assert_one_on_each(web, two_cores, but=[killed])
    before = workers_of(web)
    assert kept in before
    web.process.send_signal(signal.SIGHUP)
    assert_one_on_each(web, two_cores, but=before)

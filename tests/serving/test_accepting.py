"""Two workers share the connections to one socket evenly, also when one of them stops or dies."""

import contextlib
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from serving import gunicorn_config as gunicorn_config
from serving.accepting.connection_shares import ConnectionShares
from serving.workers.gunicorn_worker import Worker
from tests.support.programs import GUNICORN, Program
from tests.support.threads import LONGEST_S

PATIENT = ("-m", "gunicorn", "-c", "python:tests.serving.patient_gunicorn_config")

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("without_demo_data")]
ASKED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


class Web:
    """gunicorn with two workers."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.address = ("127.0.0.1", program.port)

    def workers(self) -> list[int]:
        master = self.program.process.pid
        with open(f"/proc/{master}/task/{master}/children") as children:
            return [int(pid) for pid in children.read().split()]

    def until_both_accept(self) -> None:
        _until(lambda: self.taken_of(20), lambda taken: len(taken) == 2 and min(taken) > 0 and sum(taken) == 20)

    def assert_shared(self, clients: int) -> None:
        taken = self.taken_of(clients)
        assert sum(taken) == clients
        assert max(taken) <= 0.55 * clients, taken

    @contextlib.contextmanager
    def clients(self, number: int) -> Iterator[None]:
        """Connect clients one after the other, which stay connected until the end of the block."""
        with contextlib.ExitStack() as stack:
            for _ in range(number):
                stack.enter_context(self.connected())
            yield

    def taken_of(self, clients: int) -> list[int]:
        """Return how many of `clients` new connections each worker accepts."""
        workers = self.workers()
        before = self._settled(workers)
        with self.clients(clients):
            return [now - had for now, had in zip(self._settled(workers), before, strict=True)]

    def _settled(self, workers: list[int]) -> list[int]:
        """Return the number of sockets of each worker, once the numbers do not change any more."""
        seen = [[_sockets(pid) for pid in workers]]
        _until(lambda: seen.append([_sockets(pid) for pid in workers]), lambda _: seen[-5:] == seen[-1:] * 5)
        return seen[-1]

    def connected(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=10)

    def ask(self, *, after_s: float = 0) -> None:
        with self.connected() as client:
            time.sleep(after_s)  # the connection is being accepted
            client.sendall(ASKED + b"Connection: close\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer


def _sockets(pid: int) -> int:
    try:
        files = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except FileNotFoundError:  # the process has ended, or has closed a socket meanwhile
        return -1
    return sum(file.startswith("socket:") for file in files)


def _until(look: Callable[[], Any], found: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + LONGEST_S
    while not found(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
    return seen


@pytest.fixture
def web(program) -> Web:
    web = Web(program(PATIENT, WEB_WORKERS="2").wait_until_up())
    web.until_both_accept()
    return web


def test_idle_clients_are_shared(web):
    for _ in range(3):
        web.assert_shared(600)


def test_a_stopped_worker_delays_nobody(program):
    web = Web(program(GUNICORN, WEB_WORKERS="2").wait_until_up())
    web.until_both_accept()
    stopped, _ = web.workers()
    os.kill(stopped, signal.SIGSTOP)
    waited = []
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(60):
                began = time.monotonic()
                client = stack.enter_context(web.connected())
                client.sendall(ASKED + b"\r\n")
                assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
                waited.append(time.monotonic() - began)
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert max(waited) < 1
    assert sum(waited) < 3
    web.until_both_accept()


def test_a_killed_worker_is_replaced(web):
    killed, kept = web.workers()
    with web.clients(100):
        os.kill(killed, signal.SIGKILL)
        _until(web.workers, lambda pids: len(pids) == 2 and killed not in pids)
    assert kept in web.workers()
    web.until_both_accept()
    web.assert_shared(200)


def test_a_reload_loses_no_connection(web):
    before, lost, over = web.workers(), [], threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                web.ask(after_s=0.02)
            except (OSError, AssertionError) as error:
                lost.append(error)

    clients = [threading.Thread(target=ask) for _ in range(8)]
    for client in clients:
        client.start()
    for _ in range(3):
        web.program.process.send_signal(signal.SIGHUP)
        before = _until(web.workers, lambda pids, old=before: len(pids) == 2 and not {*pids} & {*old})
    over.set()
    for client in clients:
        client.join(30)
    assert lost == []
    web.until_both_accept()
    web.assert_shared(200)


def test_workers_without_file_descriptors_accept_again_later(web):
    began = time.monotonic()
    for pid in web.workers():
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, hard))  # open descriptors stay open; no other can be opened
    with web.connected():
        web.program.wait_until_printed("No connection is accepted for 1 s: [Errno 24]")
    for pid in web.workers():
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
    web.ask()
    seconds = 1 + int(time.monotonic() - began)
    assert web.program.log.read_text().count("No connection is accepted") <= 2 * seconds


def test_a_share():
    shares = ConnectionShares()
    one, other = shares.allocate(), shares.allocate()
    one.set_headroom(2)
    one.add(100)
    assert not one.exceeded()  # the other worker has not begun
    other.set_headroom(2)
    assert (one.exceeded(), other.exceeded()) == (True, False)
    other.add(93)
    assert not one.exceeded()  # 93, a sixteenth of it, and 2
    one.add(1)
    assert one.exceeded()
    other.close()
    other.add(-93)
    assert not one.exceeded()


def test_the_slot_of_a_worker_that_is_gone(monkeypatch):
    shares = ConnectionShares()
    monkeypatch.setattr("serving.workers.gunicorn_worker.SHARES", shares)
    one, killed = shares.allocate(), shares.allocate()
    for share in (one, killed):
        share.set_headroom(2)
    one.add(10)
    assert one.exceeded()
    worker = Worker.__new__(Worker)
    worker.share, worker.core = killed, None
    gunicorn_config.child_exit(None, worker)
    assert not one.exceeded()
    assert shares.allocate().index == killed.index

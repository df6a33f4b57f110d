"""Slow and endless clients: the memory of a worker stays, and other clients are answered, on all servers."""

import contextlib
import json
import resource
import signal
import socket
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from loadtest.bench.slow_clients import SlowLoad, slow_clients
from tests.support.web_servers import ANN, CSS, JSON, SERVERS, say

pytestmark = [pytest.mark.embedded, pytest.mark.sampled]
NAMES = [name for name in SERVERS if name != "gunicorn without the lane"]
CLIENTS, SECONDS, IDLE = 300, 6, 2_300
MOST_GROWTH, SPARE_BYTES = 1.3, 12 << 20  # a worker that has just started loads a few modules more
HEAD = b"POST /api/v1/auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = b"GET /api/v1/users/me HTTP/1.1\r\nHost: localhost\r\n\r\n"
LOGIN = json.dumps(ANN).encode()


def worker_bytes(program) -> int:
    """The memory of the worker, the largest child of the program."""
    return max(resident_bytes(pid) for pid in program.processes() if pid != program.process.pid)


def resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024
    return 0


def log_in(port: int) -> int:
    return say(port, "POST", "/api/v1/auth/token", LOGIN, **JSON).status


@pytest.fixture(scope="module", params=NAMES)
def web(request, installation, account):
    """A server without throttles that has answered a few requests."""
    program = installation.start(request.param, THROTTLES="off", WEB_THREADS="2")
    for _ in range(5):
        assert log_in(program.port) == 200
        assert say(program.port, "GET", CSS).status == 200
    yield program
    if program.process.poll() is None:
        assert program.end(signal.SIGTERM) == 0
    assert "Traceback" not in program.log.read_text()


@pytest.mark.every_server
def test_slow_and_endless_clients_of_six_kinds(web):
    before, most, statuses = worker_bytes(web), 0, []
    with slow_clients(SlowLoad(port=web.port, clients=CLIENTS, seconds=4 * SECONDS, path=CSS)):
        ends_at = time.monotonic() + SECONDS
        while time.monotonic() < ends_at:
            statuses += [log_in(web.port), say(web.port, "GET", "/healthz").status]
            most = max(most, worker_bytes(web))
    assert set(statuses) == {200}
    assert most < MOST_GROWTH * before + SPARE_BYTES


def test_unfinished_bodies_occupy_a_bounded_memory(web):
    before = worker_bytes(web)
    clients = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(100)]
    with contextlib.ExitStack() as stack:
        for client in clients:
            stack.enter_context(client)
            client.settimeout(0.2)
            with contextlib.suppress(OSError):
                client.sendall(HEAD + b"Content-Length: 2500000\r\n\r\n" + b" " * 2_400_000)
        assert log_in(web.port) == 200
        assert worker_bytes(web) < before + (60 << 20)


@pytest.mark.every_server
def test_what_does_not_go_on_is_ended(web):
    begun = [HEAD + b"Content-Length: 100\r\n\r\n{", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n", b""]
    with contextlib.ExitStack() as stack:
        address = ("127.0.0.1", web.port)
        clients = [stack.enter_context(socket.create_connection(address, timeout=20)) for _ in begun]
        began = time.monotonic()
        for client, begin in zip(clients, begun, strict=True):
            client.sendall(begin)
        answers = [read_until_closed(client) for client in clients]
    assert 5 < time.monotonic() - began < 20
    assert answers[0].startswith(b"HTTP/1.1 408 ")


def read_until_closed(client: socket.socket) -> bytes:
    data = b""
    while block := client.recv(1 << 16):
        data += block
    return data


def test_newcomers_are_answered_beside_idle_clients(web):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * IDLE:
        pytest.skip("This process may not open enough connections.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * IDLE), hard))
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=5))
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.recv(1 << 10).startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        assert (say(web.port, "GET", "/healthz").status, log_in(web.port)) == (200, 200)
        assert time.monotonic() - began < 5
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_probes_are_answered_while_all_threads_wait_for_the_database(web):
    with contextlib.closing(sqlite3.connect(web.data / "hotpath.sqlite3", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        waiting = [threading.Thread(target=log_in, args=(web.port,)) for _ in range(10)]
        for each in waiting:
            each.start()
        time.sleep(0.3)
        for path, most_s in {"/healthz": 0.5, "/readyz": 3.0}.items():
            began = time.monotonic()
            assert say(web.port, "GET", path).status in {200, 503}
            assert time.monotonic() - began < most_s
        assert any(each.is_alive() for each in waiting)
        database.execute("ROLLBACK")
    for each in waiting:
        each.join(60)


@pytest.mark.parametrize("end", [GET, HEAD + b"Content-Length: 2\r\n\r\n{}"])
def test_a_client_that_has_ended_its_side_gets_its_answer(web, end):
    if b"SERVER=granian" in Path(f"/proc/{web.process.pid}/environ").read_bytes():
        pytest.skip("Granian answers nobody who has ended their side, and has no option for it.")
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as client:
        client.sendall(end)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 4")

"""Reloads and stops under keep-alive clients, which retry nothing, lose no request."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from devtools import servers
from launcher import embedded_redis
from loadtest.bench.keep_alive_clients import ANSWERED, Clients, Running, running
from tests.serving.supervised import COMMANDS, generations, reload, until, variables
from tests.support.programs import GUNICORN, Program
from tests.support.threads import LONGEST_S

pytestmark = [pytest.mark.embedded, pytest.mark.sampled, pytest.mark.usefixtures("without_demo_data")]
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
ASYNCHRONOUS = ["gunicorn", "granian"]
CLIENTS, PER_SECOND = 50, 200
DRAIN_S = "3"  # every client asks several times within it, on a busy machine as well
needs_haproxy = pytest.mark.skipif(servers.program("haproxy") is None, reason="needs Debian's haproxy")


def load(port: int):
    """Return clients at work, each of which asks four times a second until it has been told to finish."""
    return running(Clients(port=port, paths=["/healthz"], seconds=LONGEST_S, clients=CLIENTS, per_second=PER_SECOND))


def no_request_is_lost(clients: Running) -> None:
    """Wait for a second more, in which every client meets what there is now, and count."""
    time.sleep(1)
    clients.finish()
    assert clients.lost() == {}
    assert clients.counts[ANSWERED] > 5 * CLIENTS


def ask(connection: socket.socket) -> bytes:
    """Send a request on the connection, and return the head of the answer in lower case."""
    connection.sendall(REQUEST)
    return connection.recv(65536).partition(b"\r\n\r\n")[0].lower()


def connect(web: Program) -> socket.socket:
    return socket.create_connection(("127.0.0.1", web.port), timeout=20)


def descriptors(web: Program) -> int:
    return len(os.listdir(f"/proc/{web.process.pid}/fd"))


@pytest.mark.every_server
@pytest.mark.parametrize("name", COMMANDS)
def test_reloads(program, name):
    web = program(COMMANDS[name], WEB_DRAIN_S=DRAIN_S, **variables(name)).wait_until_up()
    open_before = descriptors(web)
    with load(web.port) as clients:
        for _ in range(3):
            reload(web)
        no_request_is_lost(clients)
    until(lambda: descriptors(web) == open_before, web)


def test_new_workers_of_gunicorn_without_a_supervisor(program):
    web = program(GUNICORN, WEB_DRAIN_S=DRAIN_S, **variables("gunicorn")).wait_until_up()
    with load(web.port) as clients:
        for _ in range(3):
            before = {*generations(web)}
            web.process.send_signal(signal.SIGHUP)
            until(lambda: len(generations(web)) == 2 and not before & {*generations(web)}, web)  # noqa: B023
        no_request_is_lost(clients)


@pytest.mark.every_server
@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_an_idle_connection_is_told_that_it_ends(program, name):
    web = program(COMMANDS[name], WEB_DRAIN_S="3", **variables(name)).wait_until_up()
    with connect(web) as early, connect(web) as late:
        for connection in (early, late):
            assert b"connection: close" not in ask(connection)
        reload(web)
        time.sleep(0.5)
        assert b"\r\nconnection: close" in ask(early)
        assert early.recv(1) == b""
        assert late.recv(1) == b""  # when the old workers end


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_a_service_that_stops_says_so_and_answers_meanwhile(program, redis, name):
    url = f"redis://127.0.0.1:{redis}/0"
    web = program(COMMANDS[name], WEB_DRAIN_S="3", REDIS_URL=url, **variables(name)).wait_until_up()
    assert web.ask("/readyz").body["status"] == "ok"
    with connect(web) as idle:
        assert b"connection: close" not in ask(idle)
        web.process.send_signal(signal.SIGTERM)
        until(lambda: web.ask("/readyz").status == 503, web, timeout_s=2)
        assert web.ask("/readyz").body == {
            "status": "stopping", "database": "ok", "redis": "ok", "jobs": "error", "popups": "ok",
        }  # fmt: skip
        time.sleep(0.3)
        with connect(web) as late:
            assert b"\r\nconnection: close" in ask(late)
        assert b"\r\nconnection: close" in ask(idle)
    assert web.process.wait(20) == 0
    with pytest.raises(ConnectionRefusedError):
        connect(web)


@pytest.fixture
def redis(tmp_path):
    (folder := tmp_path / "redis").mkdir()
    port, process = servers.start_redis(embedded_redis.redis_server(), folder)
    yield port
    process.kill()
    process.wait()


@needs_haproxy
@pytest.mark.every_server
@pytest.mark.parametrize("name", COMMANDS)
def test_a_stop_behind_a_load_balancer(program, redis, tmp_path, name):
    values = {"WEB_DRAIN_S": "5", "REDIS_URL": f"redis://127.0.0.1:{redis}/0", **variables(name)}
    first, second = (program(COMMANDS[name], **values).wait_until_up() for _ in range(2))
    port, balancer = servers.start_haproxy(tmp_path, [first.port, second.port])
    try:
        with load(port) as clients:
            time.sleep(1)
            assert first.end(signal.SIGTERM) == 0
            no_request_is_lost(clients)
    finally:
        balancer.kill()
        balancer.wait()


def test_a_path_of_a_unix_socket(program, tmp_path):
    path: Path = tmp_path / "web.sock"
    web = program((*COMMANDS["gunicorn"], "--bind", f"unix:{path}"), **variables("gunicorn"))
    until(path.exists, web)
    for _ in range(2):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            assert ask(client).startswith(b"http/1.1 200 ok")
        reload(web)

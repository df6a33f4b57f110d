"""Pipelining, early ends and slow readers of a connection to gunicorn's worker, for the hot lane and for Django."""

import contextlib
import json
import re
import signal
import socket
import time

import pytest

from devtools import servers
from launcher import embedded_redis
from tests.support.programs import WEB, Program, environment, run

pytestmark = pytest.mark.embedded
KEEP_ALIVE_S = 1
MORE_THAN_BUFFERS_BYTES = (
    60_000_000  # the system's socket buffers, for requests and for answers of three times their size
)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("protocol")
    port, redis = servers.start_redis(embedded_redis.redis_server(), folder)
    settings = {"DEBUG": "0", "SECRET_KEY": "tests-only-" + "x" * 50, "HTTPS": "off", "THROTTLES": "off"}
    values = settings | {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    prepared = run(("-m", "launcher.prepare"), environment(folder / "data", **values))
    assert prepared.returncode == 0, prepared.stderr
    program = Program((*WEB, "--keep-alive", str(KEEP_ALIVE_S)), folder / "data", **values).wait_until_up()
    yield program
    assert program.end(signal.SIGTERM) == 0
    assert "Traceback" not in program.log.read_text()
    redis.kill()
    redis.wait()


@pytest.fixture(scope="module")
def asked(program):
    """bytes_of(path): the bytes of a request, by default one that the hot lane answers once the user is cached."""
    account = {"username": "ann", "password": "correct-horse-battery"}
    user_id = program.ask("/api/v1/users", account).body["id"]
    token = program.ask("/api/v1/auth/token", account).body["access"]

    def bytes_of(path=f"/api/v1/users/{user_id}", version="1.1", head=""):
        lines = [f"GET {path} HTTP/{version}", "Host: localhost", f"Authorization: Bearer {token}", *head.splitlines()]
        return "\r\n".join([*lines, "", ""]).encode()

    for _ in range(3):
        exchange(program, bytes_of(head="Connection: close"))
    return bytes_of


def connect(program):
    return socket.create_connection(("127.0.0.1", program.port), timeout=10)


def read_until_closed(connection):
    data = b""
    while block := connection.recv(1 << 16):
        data += block
    return data


def exchange(program, request):
    with connect(program) as connection:
        connection.sendall(request)
        return read_until_closed(connection)


def bodies(data):
    """Return the bodies of the answers in their order."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK"), head
        length = int(re.search(rb"content-length: (\d+)", head)[1])
        found.append(json.loads(rest[:length]))
        data = rest[length:]
    return found


def test_answers_come_in_the_order_of_the_requests(program, asked):
    me, fields = "/api/v1/users/me", [["id"], ["nickname"], ["id", "username"], ["bio"]]
    by_lane = [asked(path=f"{asked().split()[1].decode()}?fields={','.join(each)}") for each in fields]
    requests = [by_lane[0], asked(path=me), by_lane[1], by_lane[2], asked(path=me), asked(path=me), by_lane[3]]
    requests.append(asked(head="Connection: close"))
    found = bodies(exchange(program, b"".join(requests)))
    names = [sorted(each) for each in found]
    own = names[1]
    assert names[:7] == [["id"], own, ["nickname"], ["id", "username"], own, own, ["bio"]]
    assert len(own) > len(names[7]) > 4


@pytest.mark.parametrize("path", [None, "/api/v1/users/me"])
def test_whoever_asks_for_it_is_hung_up_on(program, asked, path):
    given = {} if path is None else {"path": path}
    for request in (asked(**given, head="Connection: close"), asked(**given, version="1.0")):
        answer = exchange(program, request)
        assert len(bodies(answer)) == 1
        assert b"connection: close" in answer.partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize("path", [None, "/api/v1/users/me"])
def test_a_connection_lives_while_it_is_used_and_a_while_longer(program, asked, path):
    request = asked() if path is None else asked(path=path)
    with connect(program) as connection:
        began = time.monotonic()
        while time.monotonic() - began < 1.5 * KEEP_ALIVE_S:
            connection.sendall(request)
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")
            time.sleep(KEEP_ALIVE_S / 4)
        idle_from = time.monotonic()
        assert connection.recv(1 << 16) == b""
        assert time.monotonic() - idle_from < 2.5 * KEEP_ALIVE_S


def test_a_request_that_is_still_coming_is_not_cut_off(program, asked):
    request = asked(head="Connection: close")
    with connect(program) as connection:
        connection.sendall(asked())
        connection.recv(1 << 16)
        connection.sendall(request[:20])
        time.sleep(1.5 * KEEP_ALIVE_S)
        connection.sendall(request[20:])
        assert len(bodies(read_until_closed(connection))) == 1


def test_clients_that_leave_without_waiting(program, asked):
    for _ in range(200):
        with connect(program) as connection:
            connection.sendall(asked() * 3)
    assert len(bodies(exchange(program, asked(head="Connection: close")))) == 1


def test_a_client_that_asks_and_does_not_read(program, asked):
    """Answers are buffered up to uvicorn's limit; beyond it this client's requests wait, others do not."""
    many, sent = asked() * 200, 0
    with connect(program) as connection:
        connection.settimeout(1)
        with contextlib.suppress(TimeoutError):
            while sent < MORE_THAN_BUFFERS_BYTES:
                sent += connection.send(many)
        assert sent < MORE_THAN_BUFFERS_BYTES
        assert len(bodies(exchange(program, asked(head="Connection: close")))) == 1

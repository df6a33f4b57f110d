"""All supported servers give the same answers, down to headers and bytes."""

import http.client
import json
import signal
import socket
import threading
import time

import pytest

from tests.support.web_servers import ANN, CSS, JSON, SERVERS, Answer, say

pytestmark = [pytest.mark.embedded, pytest.mark.sampled]


def say_raw(port: int, text: bytes) -> Answer:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        plain.sendall(text)
        reply = http.client.HTTPResponse(plain)
        reply.begin()
        return Answer(reply)


def conversation(port: int, token: str, user_id: int):
    """Yield (request, answer) for every kind of request."""
    own = {"Authorization": f"Bearer {token}"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = json.loads(say(port, "POST", "/api/v1/posts", b'{"text": "soon gone"}', **own, **JSON).body)["id"]
    yield "deletion", say(port, "DELETE", f"/api/v1/posts/{posted}", **own)
    for path in (
        f"/api/v1/users/{user_id}", f"/api/v1/users/{user_id}?fields=id", f"/api/v1/users?ids={user_id},77777",
        f"/api/v1/counters?targets=user:{user_id},post:1", "/api/v1/favorites/check?ids=1,2",
        f"/api/v1/relationships?ids={user_id}", "/api/v1/users/me", "/api/v1/users/77777", "/api/v1/users/abc",
        "/api/v1/n%C3%B6?x=%ff", "/api/v1/%ff", "/api/v1/users?username=%E5%B0%8F",
    ):  # fmt: skip
        for _ in range(3):  # a miss, then hits, by the hot lane if there is one
            yield path, say(port, "GET", path, **own)
        yield f"HEAD {path}", say(port, "HEAD", path, **own)
    yield "nobody", say(port, "GET", f"/api/v1/users/{user_id}")
    yield "strange host", say(port, "GET", f"/api/v1/users/{user_id}", **own, Host="evil.example")
    yield "method", say(port, "PATCH", f"/api/v1/users/{user_id}", b"{}", **own, **JSON)
    yield "options", say(port, "OPTIONS", "/api/v1/users/me", **own)
    yield "patch", say(port, "PATCH", "/api/v1/users/me", '{"nickname": "小明"}'.encode(), **own, **JSON)
    yield "too large", say(port, "POST", "/api/v1/posts", b" " * 3_000_000, **own, **JSON)
    yield "too large a form", say(port, "POST", "/admin/login/", b"a=" + b"x" * 3_000_000, **form)
    yield "form", say(port, "POST", "/admin/login/", b"username=x&password=y", **form)
    head = f"Host: localhost\r\nX-Request-ID: of-the-test\r\nAuthorization: Bearer {token}\r\n".encode()
    chunked = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    yield "chunked", say_raw(port, b"POST /api/v1/posts HTTP/1.1\r\n" + head + chunked)
    yield "HTTP/1.0", say_raw(port, f"GET /api/v1/users/{user_id} HTTP/1.0\r\n".encode() + head + b"\r\n")
    twice = b"X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\nX_Forwarded_For: 1.2.3.4\r\n\r\n"
    yield "headers twice", say_raw(port, f"GET /api/v1/users/{user_id} HTTP/1.1\r\n".encode() + head + twice)
    for path in ("/", "/admin/", "/admin/login/", "/api/docs", "/api/schema", "/healthz", "/readyz", CSS):
        yield path, say(port, "GET", path)
    yield "HEAD of a file", say(port, "HEAD", CSS)
    modified = say(port, "GET", CSS).headers["last-modified"]
    yield "file not modified", say(port, "GET", CSS, If_Modified_Since=modified)


@pytest.fixture(scope="module")
def expected(installation, account):
    return list(conversation(installation.running[0].port, *account))


@pytest.mark.parametrize("name", [name for name in SERVERS if name != "gthread"])
def test_all_servers_answer_alike(installation, account, expected, name):
    found = list(conversation(installation.start(name).port, *account))
    for (what, wanted), (_, answer) in zip(expected, found, strict=True):
        answer.assert_like(wanted, what)
    statuses = {answer.status for _, answer in found}
    assert statuses >= {200, 204, 302, 304, 400, 401, 403, 404, 405, 411, 413}


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize(
    ("proxies", "addresses"),
    [
        ("0", {"203.0.113.7": "127.0.0.1"}),
        (
            "1",
            {
                "[::ffff:203.0.113.7]:443": "203.0.113.7",
                "2001:DB8::7%eth0": "2001:db8::/64",
                "unknown": "127.0.0.1",
            },
        ),
    ],
)
def test_the_client_s_address(installation, account, name, proxies, addresses):
    program = installation.start(name, PROXIES=proxies)
    for entry, address in addresses.items():
        installation.redis.delete(*installation.redis.keys("hp:throttle:token:*") or ["none"])
        forwarded = {"X-Forwarded-For": f"198.51.100.1, {entry}"}
        assert say(program.port, "POST", "/api/v1/auth/token", b"{}", **JSON, **forwarded).status == 400
        assert installation.redis.keys("hp:throttle:token:*") == [f"hp:throttle:token:{address}".encode()]
    program.end(signal.SIGTERM)


@pytest.mark.parametrize("name", ["gunicorn", "granian"])
def test_slow_clients_hold_no_thread(installation, account, name):
    program = installation.start(name, WEB_THREADS="1")
    head = b"POST /api/v1/auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", program.port)) for _ in range(5)]
    for each in slow:
        each.sendall(head)
    own = {"Authorization": f"Bearer {account[0]}"}
    began = time.monotonic()
    assert [say(program.port, "GET", "/api/v1/users/me", **own).status for _ in range(3)] == [200] * 3
    assert time.monotonic() - began < 5
    for each in slow:
        each.close()
    assert say(program.port, "GET", "/healthz").status == 200
    program.end(signal.SIGTERM)
    assert "Traceback" not in program.log.read_text()


@pytest.mark.parametrize("name", SERVERS)
def test_an_end_that_lets_running_requests_finish(installation, account, name):
    program = installation.start(name, WEB_THREADS="1", THROTTLES="off")
    statuses: list[int] = []
    began = threading.Barrier(5)

    def log_in():
        began.wait(10)
        statuses.append(say(program.port, "POST", "/api/v1/auth/token", json.dumps(ANN).encode(), **JSON).status)

    clients = [threading.Thread(target=log_in) for _ in range(4)]
    for client in clients:
        client.start()
    began.wait(10)
    time.sleep(0.05)  # shorter than hashing four passwords in one thread
    assert program.end(signal.SIGTERM) == 0
    for client in clients:
        client.join(30)
    assert statuses == [200] * 4

"""Every answer of every server and layer has one X-Request-ID, and log lines name it."""

import json
import re
import socket

import pytest

from tests.support.polling import wait_until
from tests.support.web_servers import ANN, SERVERS

pytestmark = [pytest.mark.embedded, pytest.mark.sampled]
A_NEW_ONE = re.compile(rb"[0-9a-f]{16}-[0-9a-f]+")
HOST = b"Host: localhost\r\n"
WRONG = json.dumps({**ANN, "password": "wrong-horse"}).encode()
BODY = b"Content-Type: application/json\r\nContent-Length: %d\r\n"


def requests(token: str, user_id: int):
    """Yield (what, request line, headers, body, whether Granian parses it)."""
    own = HOST + b"Authorization: Bearer %b\r\n" % token.encode()
    yield "the lane", b"GET /api/v1/users/%d HTTP/1.1" % user_id, own, b"", True
    yield "Django", b"GET /api/v1/users/%d/followers HTTP/1.1" % user_id, own, b"", True
    yield "no token", b"GET /api/v1/users/me HTTP/1.1", HOST, b"", True
    yield "not found", b"GET /api/v1/nothing HTTP/1.1", HOST, b"", True
    yield "a page", b"GET /nothing HTTP/1.1", HOST, b"", True
    yield "a redirect", b"GET /admin/ HTTP/1.1", HOST, b"", True
    yield "the admin", b"GET /admin/login/ HTTP/1.1", HOST, b"", True
    yield "a file", b"GET /static/admin/css/base.css HTTP/1.1", HOST, b"", True
    yield "alive", b"GET /healthz HTTP/1.1", HOST, b"", True
    yield "ready", b"HEAD /readyz HTTP/1.1", HOST, b"", True
    yield "a strange host", b"GET /api/v1/users/me HTTP/1.1", b"Host: evil.example\r\n", b"", True
    yield "the schema", b"GET /api/schema HTTP/1.1", HOST, b"", True
    yield "a wrong password", b"POST /api/v1/auth/token HTTP/1.1", HOST + BODY % len(WRONG), WRONG, True
    yield "chunks", b"POST /api/v1/auth/token HTTP/1.1", HOST + b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", True
    yield "a long target", b"GET /%b HTTP/1.1" % (b"a" * 9_000), HOST, b"", True
    yield "an expectation", b"GET / HTTP/1.1", HOST + b"Expect: miracles\r\n", b"", True
    yield "no host", b"GET / HTTP/1.1", b"", b"", True
    yield "a method", b"FROB / HTTP/1.1", HOST, b"", False
    yield "no name", b"GET / HTTP/1.1", HOST + b": 1\r\n", b"", False
    yield "many headers", b"GET / HTTP/1.1", HOST + b"".join(b"X-%d: 1\r\n" % n for n in range(120)), b"", False


def answer(port: int, request: bytes) -> bytes:
    """Return the head of the answer in lower case."""
    data = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(request)
        while b"\r\n\r\n" not in data and (block := client.recv(1 << 16)):
            data += block
    return data.partition(b"\r\n\r\n")[0]


def ids(head: bytes) -> list[bytes]:
    return re.findall(rb"\r\nx-request-id: ([^\r\n]*)", head, re.IGNORECASE)


@pytest.mark.parametrize("name", SERVERS)
def test_every_answer(installation, account, name):
    web = installation.start(name, THROTTLES="off")
    seen = []
    for what, line, headers, body, is_http in requests(*account):
        if name == "granian" and not is_http:
            continue
        for given in (b"", b"X-Request-ID: given.%d_A-z\r\n" % len(seen), b"X-Request-ID: bad id\r\n"):
            head = answer(web.port, b"%b\r\n%b%bConnection: close\r\n\r\n%b" % (line, headers, given, body))
            found = ids(head)
            assert len(found) == 1, (what, given, head)
            # What cannot be parsed may have lost its own id.
            own = given.split(b": ")[1].strip() if b"given" in given and (is_http or b"given" in found[0]) else None
            assert found[0] == own if own else A_NEW_ONE.fullmatch(found[0]), (what, given, head)
            seen.append(found[0])
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("name", SERVERS)
def test_log_lines_name_the_request(installation, account, name):
    web = installation.start(name, THROTTLES="off")
    head = answer(
        web.port,
        b"POST /api/v1/auth/token HTTP/1.1\r\n%b%bX-Request-ID: find.me\r\nConnection: close\r\n\r\n%b"
        % (HOST, BODY % len(WRONG), WRONG),
    )
    assert b" 401 " in head
    wait_until(
        lambda: re.search(r" WARNING find\.me users\.login_throttle: A log-in .* was refused", web.log.read_text())
    )

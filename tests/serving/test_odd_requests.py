"""Odd requests get one answer on all servers: served alike, or refused (RFC 9110, RFC 9112)."""

import contextlib
import json
import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.support.web_servers import SERVERS

pytestmark = [pytest.mark.embedded, pytest.mark.sampled]
PATH = b"/api/v1/users/me"
LINE = b"GET %b HTTP/1.1" % PATH
HOST = b"Host: localhost\r\n"
SERVED, NOT_FOUND, NOT_ALLOWED = 401, 404, 405  # answers of Django to a request without a token, or a wrong password
REFUSALS = {400, 405, 411, 414, 417, 431}


def get(line: bytes = LINE, head: bytes = HOST) -> bytes:
    return b"%b\r\n%bConnection: close\r\n\r\n" % (line, head)


def target(text: bytes) -> bytes:
    return get(b"GET %b HTTP/1.1" % text)


def header(text: bytes) -> bytes:
    return get(head=HOST + text + b"\r\n")


NOBODY = json.dumps({"username": "nobody", "password": "wrong-horse-battery"}).encode()
LENGTH = b"%d" % len(NOBODY)


def post(head: bytes, body: bytes = NOBODY, line: bytes = b"POST /api/v1/auth/token HTTP/1.1") -> bytes:
    return b"%b\r\n%bContent-Type: application/json\r\n%b\r\n\r\n%b" % (line, HOST, head, body)


CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(NOBODY), NOBODY)
SERVED_ALIKE = {
    "plain": (SERVED, get()),
    "HTTP/1.0": (SERVED, get(b"GET %b HTTP/1.0" % PATH)),
    "host in the target": (SERVED, target(b"http://localhost" + PATH)),
    "value not ASCII": (SERVED, header(b"X-A: \xe9\xff")),
    "value with a tab": (SERVED, header(b"X-A: 1\t2")),
    "blanks around a value": (SERVED, header(b"X-A: \t 1 \t")),
    "underscore in a name": (SERVED, header(b"X_A: 1")),
    "SCRIPT_NAME": (SERVED, header(b"SCRIPT_NAME: /api/v1")),
    "SCRIPT-NAME": (SERVED, header(b"Script-Name: /api/v1")),
    "PATH_INFO": (SERVED, header(b"PATH_INFO: /healthz")),
    "REMOTE_USER": (SERVED, header(b"REMOTE_USER: admin")),
    "Transfer_Encoding": (SERVED, header(b"Transfer_Encoding: chunked")),
    "empty line first": (SERVED, b"\r\n" + get()),
    "fragment": (SERVED, target(PATH + b"#x")),
    "letters percent-encoded": (SERVED, target(b"/api/v1/users/%6de")),
    "slash percent-encoded": (SERVED, target(b"/api/v1%2fusers/me")),
    "parameters in the path": (SERVED, target(PATH + b";x=1")),
    "braces in the query": (SERVED, target(PATH + b"?x={a|b}^\\")),
    "percent without digits": (NOT_FOUND, target(b"/api/v1/%zz")),
    "NUL percent-encoded": (NOT_FOUND, target(b"/api/v1/%00")),
    "dots in the path": (NOT_FOUND, target(b"/x/.." + PATH)),
    "two slashes": (NOT_FOUND, target(b"//evil.example" + PATH)),
    "OPTIONS *": (NOT_FOUND, get(b"OPTIONS * HTTP/1.1")),
    "TRACE": (NOT_ALLOWED, get(b"TRACE %b HTTP/1.1" % PATH)),
    "7,900 bytes of target": (NOT_FOUND, target(b"/" + b"a" * 7_900)),
    "100 headers": (SERVED, get(head=HOST + b"".join(b"X-%d: 1\r\n" % number for number in range(98)))),
    "a header of 60 KB": (SERVED, header(b"X-A: " + b"a" * 60_000)),
    "a body": (SERVED, post(b"Content-Length: " + LENGTH)),
    "zeros before the length": (SERVED, post(b"Content-Length: 0" + LENGTH)),
    "blank after the length": (SERVED, post(b"Content-Length: %b " % LENGTH)),
    "expectation": (SERVED, post(b"Expect: 100-continue\r\nContent-Length: " + LENGTH)),
}  # fmt: skip
REFUSED = {
    "no host": get(head=b""),
    "empty host": get(head=b"Host:\r\n"),
    "no host, HTTP/1.0": get(b"GET %b HTTP/1.0" % PATH, b""),
    "two hosts": get(head=HOST + HOST),
    "two hosts that differ": get(head=HOST + b"Host: evil.example\r\n"),
    "a host with a blank": get(head=b"Host: local host\r\n"),
    "a host with a user": get(head=b"Host: root@localhost\r\n"),
    "HTTP/1.2": get(b"GET %b HTTP/1.2" % PATH),
    "HTTP/2.0": get(b"GET %b HTTP/2.0" % PATH),
    "HTTP/0.9": b"GET %b\r\n\r\n" % PATH,
    "http/1.1": get(b"GET %b http/1.1" % PATH),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "folded header": header(b"X-A: 1\r\n 2"),
    "folded first header": get(head=b" X-A: 1\r\n" + HOST),
    "CR in a value": header(b"X-A: 1\r2"),
    "CR at the end of a line": header(b"X-A: 1\rX-B: 2"),
    "NUL in a value": header(b"X-A: 1\0"),
    "ESC in a value": header(b"X-A: 1\x1b2"),
    "DEL in a value": header(b"X-A: 1\x7f"),
    "blank before the colon": header(b"X-A : 1"),
    "tab before the colon": header(b"X-A\t: 1"),
    "no colon": header(b"X-A"),
    "no name": header(b": 1"),
    "blank in a name": header(b"X A: 1"),
    "parenthesis in a name": header(b"X(A: 1"),
    "NUL in a name": header(b"X\0A: 1"),
    "name not ASCII": header(b"X\xe9: 1"),
    "small method": get(b"get %b HTTP/1.1" % PATH),
    "parenthesis in the method": get(b"G(T %b HTTP/1.1" % PATH),
    "unknown method": get(b"FROB %b HTTP/1.1" % PATH),
    "long method": get(b"%b %b HTTP/1.1" % (b"G" * 100, PATH)),
    "CONNECT": get(b"CONNECT localhost:80 HTTP/1.1"),
    "CONNECT to a path": get(b"CONNECT %b HTTP/1.1" % PATH),
    "GET *": target(b"*"),
    "host as target": target(b"localhost:80"),
    "no slash": target(b"api/v1/users/me"),
    "target not ASCII": target(b"/api/\xc3\xa9"),
    "target not UTF-8": target(b"/api/\xff"),
    "NUL in the target": target(b"/api/\0"),
    "tab in the target": target(b"/api\tx"),
    "blank in the target": target(b"/api x"),
    "quotes in the target": target(b'/api/"<>`'),
    "quotes in the query": target(PATH + b'?"<>`'),
    "two blanks": get(b"GET  %b HTTP/1.1" % PATH),
    "blank before the method": get(b" GET %b HTTP/1.1" % PATH),
    "blank after the version": get(b"GET %b HTTP/1.1 " % PATH),
    "tabs as separators": get(b"GET\t%b\tHTTP/1.1" % PATH),
    "9,000 bytes of target": target(b"/" + b"a" * 9_000),
    "70,000 bytes of target": target(b"/" + b"a" * 70_000),
    "101 headers": get(head=HOST + b"".join(b"X-%d: 1\r\n" % number for number in range(100))),
    "a header of 70 KB": header(b"X-A: " + b"a" * 70_000),
    "headers of 70 KB": get(head=HOST + b"".join(b"X-%d: %b\r\n" % (number, b"a" * 1_000) for number in range(70))),
    "another expectation": post(b"Expect: miracles\r\nContent-Length: " + LENGTH),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 50,
}  # fmt: skip
FRAMING = {  # after these nothing more may be read from the connection
    "two lengths": post(b"Content-Length: %b\r\nContent-Length: %b" % (LENGTH, LENGTH)),
    "two lengths that differ": post(b"Content-Length: %b\r\nContent-Length: 3" % LENGTH),
    "a list of lengths": post(b"Content-Length: %b, %b" % (LENGTH, LENGTH)),
    "+ before the length": post(b"Content-Length: +" + LENGTH),
    "hexadecimal length": post(b"Content-Length: 0x10"),
    "negative length": post(b"Content-Length: -1"),
    "length with _": post(b"Content-Length: 1_0"),
    "superscript length": post(b"Content-Length: \xb2"),
    "endless length": post(b"Content-Length: 99999999999999999999999"),
    "chunks": post(b"Transfer-Encoding: chunked", CHUNKED),
    "Chunks": post(b"Transfer-Encoding: Chunked", CHUNKED),
    "chunks of a GET": post(b"Transfer-Encoding: chunked", CHUNKED, LINE),
    "chunks, HTTP/1.0": post(b"Transfer-Encoding: chunked", CHUNKED, b"POST /api/v1/auth/token HTTP/1.0"),
    "chunks and a length": post(b"Transfer-Encoding: chunked\r\nContent-Length: 4", CHUNKED),
    "a length and chunks": post(b"Content-Length: 4\r\nTransfer-Encoding: chunked", CHUNKED),
    "identity": post(b"Transfer-Encoding: identity"),
    "identity and a length": post(b"Transfer-Encoding: identity\r\nContent-Length: " + LENGTH),
    "chunked twice": post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", CHUNKED),
    "chunked, identity": post(b"Transfer-Encoding: chunked, identity", CHUNKED),
    "xchunked": post(b"Transfer-Encoding: xchunked", CHUNKED),
    '"chunked"': post(b'Transfer-Encoding: "chunked"', CHUNKED),
    "vertical tab before chunked": post(b"Transfer-Encoding: \x0bchunked", CHUNKED),
    "trailers": post(b"Transfer-Encoding: chunked", CHUNKED[:-2] + b"X-Forwarded-For: 6.6.6.6\r\n\r\n"),
    "hexadecimal chunk": post(b"Transfer-Encoding: chunked", b"0x2\r\n{}\r\n0\r\n\r\n"),
    "negative chunk": post(b"Transfer-Encoding: chunked", b"-2\r\n{}\r\n0\r\n\r\n"),
}  # fmt: skip
# What a stock parser does not tell, so that nothing here can refuse it; each is harmless by itself.
HOST_OF_THE_TARGET = {
    "another host in the target": target(b"http://evil.example" + PATH),
    "user in the target": target(b"http://root@localhost" + PATH),
    "ftp": target(b"ftp://localhost" + PATH),
    "host in the target alone": get(b"GET http://localhost%b HTTP/1.1" % PATH, b""),
}
LINES_WITHOUT_CR = {
    "LF alone": get().replace(b"\r\n", b"\n"),
    "one LF alone": header(b"X-A: 1\nX-B: 2"),
}
KNOWN_TO_BE_SERVED = {"granian": {*HOST_OF_THE_TARGET, *LINES_WITHOUT_CR, "two lengths"}}
NEXT = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def statuses(port: int, request: bytes) -> list[int]:
    """Return the statuses of all answers that come until the server closes the connection, without 100."""
    data = b""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        with contextlib.suppress(OSError):
            client.sendall(request)
        while block := client.recv(1 << 16):
            data += block
            if b"\r\nConnection: keep-alive\r\n" in data:  # gthread keeps a connection whose request Django has refused
                break
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] ([2-5]\d\d) ", data)]


def statuses_of(port: int, requests: dict[str, bytes]) -> dict[str, list[int]]:
    """Return the statuses by request; several at a time, because some connections are closed only after seconds."""
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(requests, pool.map(partial(statuses, port), requests.values()), strict=True))


@pytest.fixture(scope="module", params=[name for name in SERVERS if name != "gunicorn without the lane"])
def server(request, installation):
    program = installation.start(request.param, THROTTLES="off")
    yield request.param, program.port
    assert program.end(signal.SIGTERM) == 0
    assert "Traceback" not in program.log.read_text()


def test_requests_that_all_servers_serve(server):
    _, port = server
    answers = statuses_of(port, {name: request for name, (_, request) in SERVED_ALIKE.items()})
    found = {name: those[:1] for name, those in answers.items()}
    assert found == {name: [status] for name, (status, _) in SERVED_ALIKE.items()}


def test_requests_that_all_servers_refuse(server):
    name, port = server
    requests = {**REFUSED, **HOST_OF_THE_TARGET, **LINES_WITHOUT_CR}
    served = {what for what, answers in statuses_of(port, requests).items() if not refused(answers[:1])}
    assert served <= KNOWN_TO_BE_SERVED.get(name, set())


def test_the_preface_of_http_2_leaves_no_connection_behind(server):
    name, port = server
    assert statuses(port, REFUSED["HTTP/2 preface"]) == ([] if name == "granian" else [400])


def test_unclear_bodies_hide_no_request(server):
    name, port = server
    found = statuses_of(port, {what: request + NEXT for what, request in FRAMING.items()})
    hidden = {what for what, answers in found.items() if len(answers) != 1 or not refused(answers)}
    assert hidden <= KNOWN_TO_BE_SERVED.get(name, set())


def refused(answers: list[int]) -> bool:
    """Whether a request was refused, or answered by nothing at all."""
    return REFUSALS.issuperset(answers)


@pytest.mark.parametrize(
    ("line", "host", "status"),
    [
        (b"GET http://localhost%b HTTP/1.1" % PATH, b"Host: evil.example\r\n", SERVED),
        (b"GET http://evil.example%b HTTP/1.1" % PATH, HOST, 400),
        (b"GET http://localhost:80?x HTTP/1.1", HOST, NOT_FOUND),
    ],
)
def test_the_host_of_the_target_wins(server, line, host, status):
    name, port = server
    if name == "granian":
        pytest.skip("Granian does not tell the application which host the target names.")
    assert statuses(port, get(line, host)) == [status]

"""One error is one line in either format of every server: with what it is about, and nothing that clients have sent."""

import json
import re
import secrets
import signal
import socket

import pytest

from tests.support.polling import wait_until
from tests.support.web_servers import JSON, SERVERS, say

pytestmark = [pytest.mark.embedded, pytest.mark.sampled]
LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (?P<level>[A-Z]+) (?P<request_id>\S+) "
    r"(?P<logger>[\w.]+): (?P<rest>.*)"
)
FIELDS = re.compile(
    r" \| method=(?P<method>\S+) route=(?P<route>\S+) status=(?P<status>\S+) caller=(?P<caller>\S+) "
    r"duration_ms=(?P<duration_ms>[\d.]+)"
)
FAULTY = {"DJANGO_SETTINGS_MODULE": "tests.serving.faulty_settings"}
FORMATS = ("line", "json")


def parsed(line: str, log_format: str) -> dict:
    """Return the members of a line, in the form that the JSON format has them; the traceback ends the message."""
    if log_format == "json":
        found = json.loads(line)
        return {**found, "text": found["message"] + found.get("exception", "")}
    match = LINE.fullmatch(line)
    assert match, line
    fields = FIELDS.search(line)
    found = match.groupdict() | (fields.groupdict() if fields else {})
    text = match["rest"].replace("\\n", "\n")
    return {**{name: value for name, value in found.items() if value != "-"}, "text": text}


@pytest.fixture
def start(installation):
    """start(name, log_format, **environment): start a server whose log begins at its `log_begin`."""
    started = []

    def start(name, log_format, **values):
        begin = installation.running[0].log.stat().st_size if installation.running else 0
        started.append(installation.start(name, **{"THROTTLES": "off", "LOG_FORMAT": log_format, **values}))
        started[-1].log_begin = begin
        return started[-1]

    yield start
    for web in started:
        if web.process.poll() is None:
            web.end(signal.SIGTERM)


def log_of(web) -> str:
    return web.log.read_bytes()[web.log_begin :].decode()


def lines_of(web, log_format: str) -> list[dict]:
    return [parsed(line, log_format) for line in log_of(web).split("\n")[:-1]]


def lines_with(web, log_format: str, number: int, **members: object) -> list[dict]:
    """Wait until the log has a number of lines with some members, and return these."""

    def found() -> list[dict]:
        return [each for each in lines_of(web, log_format) if {**each, **members} == each]

    wait_until(lambda: len(found()) >= number)
    lines = found()
    assert len(lines) == number, lines
    return lines


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("name", SERVERS)
def test_an_error_is_one_line(start, account, name, log_format):
    token, _ = account
    web = start(name, log_format, **FAULTY)
    own = {"Authorization": f"Bearer {token}", "X-Request-ID": "find.me"}
    assert say(web.port, "GET", "/api/v1/users/me/sessions", X_Fault="chain", **own).status == 500
    (line,) = lines_with(web, log_format, 1, request_id="find.me")
    assert (line["level"], line["logger"], line["method"]) == ("ERROR", "django.request", "GET")
    assert (line["route"], str(line["status"])) == ("/api/v1/users/me/sessions", "500")
    assert float(line["duration_ms"]) > 0
    assert line["text"].count("Traceback (most recent call last)") == 2
    assert re.search(r"File \".*/tests/serving/faults.py\", line \d+, in _chain\n", line["text"])
    assert "KeyError" in line["text"]


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("name", SERVERS)
def test_what_nobody_catches_is_one_line(start, account, name, log_format):
    web = start(name, log_format, **FAULTY)
    for fault in ("lines", "thread", "warn", "message"):
        say(web.port, "GET", "/api/v1/users/me", X_Fault=fault, X_Request_ID=fault)
    for logger, request_id in (("uncaught", None), ("py.warnings", "warn"), ("a.room", "message")):
        members = {"logger": logger} | ({"request_id": request_id} if request_id else {})
        assert lines_with(web, log_format, 1, **members)
    (line,) = lines_with(web, log_format, 1, request_id="lines", logger="django.request")
    quoted = "one\ntwo \\ \x1b[31m \u2028 \u202e\r three"
    assert (quoted if log_format == "json" else "two \\\\ \\x1b[31m \\u2028 \\u202e\\r three") in line["text"]
    raw = log_of(web)
    assert not re.search("[\x1b\u2028\u202e\r\x00]", raw)
    web.end(signal.SIGTERM)
    lines_of(web, log_format)  # also what is said at the end


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("name", ["gunicorn", "granian"])
def test_an_error_of_the_lane_names_the_request(start, account, name, log_format):
    token, user_id = account
    web = start(name, log_format, FAULTY_LANE="1", **FAULTY)
    own = {"Authorization": f"Bearer {token}", "X-Request-ID": "find.me"}

    def lines() -> list[dict]:
        assert say(web.port, "GET", f"/api/v1/users/{user_id}", **own).status == 500
        return [line for line in lines_of(web, log_format) if line["logger"] == "serving.hot_lane.lane"]

    wait_until(lines)  # the lane answers once it has a connection to Redis
    told = lines() + [line for line in lines_of(web, log_format) if line["logger"] == "django.request"]
    assert {(line["request_id"], line["route"]) for line in told} == {("find.me", "/api/v1/users/{id}")}
    assert {str(line["caller"]) for line in told} == {str(user_id)}


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("name", SERVERS)
def test_slow_requests_and_the_access_log(start, account, name, log_format):
    token, user_id = account
    own = {"Authorization": f"Bearer {token}"}
    silent = start(name, log_format, SLOW_REQUEST_MS="60000")
    ask_often(silent.port, user_id, own)
    silent.end(signal.SIGTERM)
    assert not [each for each in lines_of(silent, log_format) if each["logger"].startswith("requests.")]
    web = start(name, log_format, SLOW_REQUEST_MS="1", ACCESS_LOG="1")
    ask_often(web.port, user_id, own)
    known = {"caller": user_id if log_format == "json" else str(user_id)}  # probes are asked by nobody
    access = lines_with(web, log_format, 150, logger="requests.access", level="INFO", **known)
    assert {line["route"] for line in access} == {"/api/v1/users/{id}", "/api/v1/users/me/sessions"}
    assert {str(line["caller"]) for line in access} == {str(user_id)}
    assert len({line["request_id"] for line in access}) == 150
    slow = [line for line in lines_of(web, log_format) if line["logger"] == "requests.slow"]
    assert 0 < len(slow) <= 60, "30 in 10 s, however many are slow"
    assert "secret" not in log_of(web)


def ask_often(port: int, user_id: int, own: dict) -> None:
    """Ask three things 50 times; after the first time, the lane answers two of them if there is one."""
    for number in range(50):
        say(port, "GET", f"/api/v1/users/{user_id}?fields=secret{number}", **own | {"X-Request-ID": f"a.{number}"})
        say(port, "GET", f"/api/v1/users/{user_id}", **own | {"X-Request-ID": f"b.{number}"})
        say(port, "GET", "/api/v1/users/me/sessions", **own | {"X-Request-ID": f"c.{number}"})


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("name", SERVERS)
def test_nothing_that_was_sent_is_logged(start, account, name, log_format):
    """Through errors that quote it, wrong log-ins, refusals and what is not HTTP."""
    token, _ = account
    web = start(name, log_format, ACCESS_LOG="1", SLOW_REQUEST_MS="1", **FAULTY)
    sent = []

    def secret(spelling: str = "{}") -> str:
        sent.append(secrets.token_hex(6))
        return spelling.format(sent[-1])

    for fault in ("quote", "chain", "database", "message", "thread", ""):
        for spelling in ("{}", "a'{}\\", "é{}\n", '"{}"', "x" * 300 + "{}"):
            headers = {
                "Authorization": f"Bearer {secret()}", "Cookie": f"sessionid={secret()}; csrftoken={secret()}",
                "Idempotency-Key": secret(), "X-Fault": fault,
            }  # fmt: skip
            body = {"password": secret(spelling), "more": [{"token": secret(spelling)}, int(secret("{}"), 16)]}
            query = f"?token={secret()}&q=%22{secret()}%0a&{secret()}"
            sent.append(str(int(sent.pop(-4), 16)))  # as the number was written
            for path in ("users", "auth/token", "users/me"):
                for method in ("POST", "PATCH"):
                    say(web.port, method, f"/api/v1/{path}{query}", json.dumps(body).encode(), **JSON, **headers)
            say(web.port, "POST", f"/admin/login/{query}", f"password={secret()}".encode(), **headers)
    raw_requests(web.port, secret)
    web.end(signal.SIGTERM)
    log = log_of(web)
    assert [line for line in log.splitlines() if any(each in line for each in sent)] == []
    assert token not in log
    assert len(lines_of(web, log_format)) > 100


def raw_requests(port: int, secret) -> None:
    """Send what is not HTTP, with secrets in all places."""
    for head in (
        "GET /?t={} HTTP/9\r\n\r\n", "{} / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n{}\r\n\r\n",
        "GET /?{} HTTP/1.1\r\nHost: localhost\r\nX y: {}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {}\r\nContent-Length: x{}\r\n\r\n",
        "GET /?t={} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: {}\r\n\r\n",
    ):  # fmt: skip
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(re.sub(r"\{\}", lambda _: secret(), head).encode())
            while client.recv(1 << 16):
                pass

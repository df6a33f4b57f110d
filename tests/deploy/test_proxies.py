"""nginx and Caddy as deploy/ has them: what they pass on, what they leave out, and what they spare the service."""

import contextlib
import http.client
import json
import signal
import threading
import time

import pytest

from devtools import servers
from launcher import embedded_redis
from tests.deploy.proxies import COMMANDS, HOST, answer_on, running
from tests.deploy.recorder import recorder
from tests.serving.supervised import generations, reload
from tests.support.polling import wait_until
from tests.support.programs import WEB, Program

pytestmark = pytest.mark.embedded
SPOOFED = (
    "X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 198.51.100.2", "X_Forwarded_For: 198.51.100.3",
    "X-Forwarded-Proto: http", "X-Forwarded-Host: evil.example", "X-Forwarded-Port: 1", "X-Real-IP: 198.51.100.4",
    "Forwarded: for=198.51.100.5;proto=http", "Proxy: evil.example",
)  # fmt: skip
OF_THIS_HOP = (
    "Connection: X-Hop, TE, keep-alive", "X-Hop: 1", "TE: trailers", "Keep-Alive: timeout=9", "Upgrade: h2c",
    "Proxy-Connection: keep-alive",
)  # fmt: skip
PASSED = {"host", "x-forwarded-for", "x-forwarded-proto", "x-request-id", "x-own", "content-length", "content-type"}
FORGED = b'{"refresh": "forged"}'


@pytest.fixture(scope="module")
def recording():
    with recorder() as upstream:
        yield upstream


@pytest.fixture(scope="module", params=COMMANDS)
def proxy(request, recording, tmp_path_factory):
    with running(tmp_path_factory.mktemp("proxy"), request.param, recording.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """The service as it is set up behind a proxy, with one thread of Django's; what is asked of it needs no table."""
    folder = tmp_path_factory.mktemp("web")
    port, redis = servers.start_redis(embedded_redis.redis_server(), folder)
    values = {"DEBUG": "0", "PROXIES": "1", "ALLOWED_HOSTS": HOST, "WEB_THREADS": "1", "WEB_DRAIN_S": "5"}
    secret, url = "tests-only-" + "x7" * 25, f"redis://127.0.0.1:{port}/0"
    web = Program(WEB, folder / "data", SECRET_KEY=secret, REDIS_URL=url, **values)
    yield web.wait_until_up()
    web.end(signal.SIGTERM)
    redis.kill()
    redis.wait()


@pytest.fixture(scope="module", params=COMMANDS)
def site(request, web, tmp_path_factory):
    with running(tmp_path_factory.mktemp("site"), request.param, web.port) as proxy:
        yield proxy


def test_what_clients_say_of_themselves_is_left_out(proxy, recording):
    assert proxy.post("/a?b=1", b"{}", *SPOOFED, "X-Own: kept").status == 200
    head, body = recording.requests[-1]
    headers = recording.headers()
    assert (head.split(b"\r\n")[0], body) == (b"POST /a?b=1 HTTP/1.1", b"{}")
    # Go's library, and so Caddy, says that it takes gzip and who asks where a client does not.
    assert {*headers} - {"accept-encoding", "user-agent"} == PASSED
    assert (headers["host"], headers["x-forwarded-for"], headers["x-forwarded-proto"], headers["x-own"]) == (
        [HOST], ["127.0.0.1"], ["https"], ["kept"],
    )  # fmt: skip


def test_what_belongs_to_one_connection_is_left_out(proxy, recording):
    assert proxy.get("/", *OF_THIS_HOP).status == 200
    left = {"connection", "te", "keep-alive", "upgrade", "proxy-connection"} & {*recording.headers()}
    assert left == set()


def test_trailers_do_not_pass(proxy, recording):
    lines = ("Content-Type: application/json", "Transfer-Encoding: chunked", "Trailer: X-Forwarded-For")
    head = "\n".join(("POST / HTTP/1.1", f"Host: {HOST}", *lines))
    assert proxy.say(head, b"2\r\n{}\r\n0\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n").status == 200
    assert recording.headers()["x-forwarded-for"] == ["127.0.0.1"]
    assert b"198.51.100.1" not in recording.requests[-1][1]


@pytest.mark.parametrize(("sent", "is_kept"), [("find.me_7", True), ("two words", False), ("x" * 65, False)])
def test_ids_of_requests(proxy, recording, sent, is_kept):
    proxy.get("/", f"X-Request-ID: {sent}")
    [passed] = recording.headers()["x-request-id"]
    assert (passed == sent) is is_kept
    assert 16 <= len(passed) <= 64 or is_kept


def test_a_503_passes_with_its_retry_after(proxy, recording):
    body = b'{"code":"database_unavailable"}'
    answer = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with answering(recording, answer):
        said = proxy.get("/")
    assert (said.status, said.headers["Retry-After"], said.body) == (503, "7", body)


@contextlib.contextmanager
def answering(recording, answer: bytes):
    before, recording.answer = recording.answer, answer
    try:
        yield
    finally:
        recording.answer = before


def test_a_body_that_is_too_long_does_not_reach_the_service(proxy, recording):
    before = recording.received
    said = proxy.say("\n".join(("POST / HTTP/1.1", f"Host: {HOST}", "Content-Length: 4000000")), b"its beginning")
    assert (said.status, said.headers["Content-Type"]) == (413, "application/problem+json")
    assert json.loads(said.body)["status"] == 413
    assert recording.received == before


def test_a_slow_body_is_waited_for_by_the_proxy(proxy, recording):
    proxy.get("/")
    before = recording.received
    with contextlib.closing(proxy.connect()) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 8\r\n\r\n".encode())
        for _ in range(7):
            connection.sendall(b"x")
            time.sleep(0.05)
        assert recording.received == before
        connection.sendall(b"x")
        assert answer_on(connection).status == 200
    assert recording.requests[-1][1] == b"x" * 8


def test_connections_to_the_service_are_kept_but_not_for_long(proxy, recording):
    proxy.get("/")
    before = recording.connections
    for _ in range(20):
        assert proxy.get("/").status == 200
    assert recording.connections == before
    began = time.monotonic()
    wait_until(lambda: recording.open == 0)
    assert time.monotonic() - began < 5  # the default of WEB_DRAIN_S


def test_what_is_for_operators_is_not_for_strangers(proxy, recording):
    before = len(recording.requests)
    assert [proxy.get(path).status for path in ("/readyz", "/metrics")] == [404, 404]
    assert len(recording.requests) == before
    assert proxy.get("/healthz").status == 200


def test_plain_http_is_sent_to_https(proxy, recording):
    before = len(recording.requests)
    connection = http.client.HTTPConnection("127.0.0.1", proxy.plain_port, timeout=20)
    connection.request("GET", "/a?b=1", headers={"Host": HOST})
    reply = connection.getresponse()
    assert (reply.status in (301, 308), len(recording.requests)) == (True, before)
    assert reply.getheader("Location").startswith(f"https://{HOST}")
    connection.close()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_service_that_is_away_is_a_503(name, tmp_path):
    with running(tmp_path, name, servers.free_port()) as proxy:
        said = proxy.get("/")
    assert (said.status, said.headers["Retry-After"]) == (503, "2")
    assert json.loads(said.body)["status"] == 503


def test_the_service_behind_it(site):
    """HTTPS is known by X-Forwarded-Proto, and the address that throttles count is the one that the proxy saw."""
    said = site.get("/healthz", "X-Request-ID: find.me")
    assert (said.status, said.headers["X-Request-ID"]) == (200, "find.me")
    refused = site.get("/api/v1/users/me")
    assert (refused.status, "max-age" in refused.headers["Strict-Transport-Security"]) == (401, True)
    asked = (site.post("/api/v1/auth/token/refresh", FORGED, f"X-Forwarded-For: 192.0.2.{n}") for n in range(90))
    assert 429 in (said.status for said in asked)  # 30 a minute


def test_slow_clients_hold_no_thread(site):
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(contextlib.closing(site.connect()))
            connection.sendall(f"POST /api/v1/posts HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 900\r\n\r\n{{".encode())
        assert site.get("/admin/login/?next=/").status == 200


def test_a_reload_loses_no_request(site, web):
    """Clients that repeat nothing, half of whose requests nobody may repeat for them."""
    clients = [Client(site) for _ in range(4)]
    reload(web)
    wait_until(lambda: len(generations(web)) == 1)  # the old processes have drained and ended
    for client in clients:
        client.finish()
    assert {status for client in clients for status in client.statuses} == {200, 401}
    assert min(len(client.statuses) for client in clients) > 5


class Client(threading.Thread):
    """Asks again and again, each time on a connection of its own to the proxy."""

    def __init__(self, site) -> None:
        super().__init__(daemon=True)
        self.site, self.statuses, self._ends = site, [], threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ends.wait(0.02):
            self._ask(self.site.get, "/healthz")
            self._ask(self.site.post, "/api/v1/posts", b"{}")

    def _ask(self, verb, *arguments) -> None:
        try:
            self.statuses.append(verb(*arguments).status)
        except OSError as error:
            self.statuses.append(repr(error))

    def finish(self) -> None:
        self._ends.set()
        self.join(30)

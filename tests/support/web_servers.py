"""All supported servers on the same data, and how tests speak to them."""

import http.client
import json
import re
import signal

import pytest
import redis as redis_py

from devtools import servers
from launcher import embedded_redis
from tests.support.programs import GUNICORN, WEB, Program, environment, run

SERVERS = {
    "gunicorn": (WEB, {}),
    "granian": (WEB, {"SERVER": "granian"}),
    "gunicorn without the lane": (WEB, {"LANE": "off"}),
    "gthread": ((*GUNICORN, "-k", "serving.workers.thread_worker.ThreadWorker", "config.wsgi"), {}),
}
OF_THE_SERVER = {"date", "server", "connection", "transfer-encoding", "keep-alive"}
OF_THE_MOMENT = {"set-cookie", "expires"}
ANN = {"username": "ann", "password": "correct-horse-battery"}
NAMED = {**ANN, "nickname": "小明"}
CSS = "/static/admin/css/base.css"
JSON = {"Content-Type": "application/json"}


class Installation:
    """Data that all servers share, and the servers, each started on first use."""

    def __init__(self, folder, redis_port: int) -> None:
        self.data = folder / "data"
        self.redis = redis_py.Redis(port=redis_port)
        url = f"redis://127.0.0.1:{redis_port}/0"
        self.values = {"DEBUG": "0", "HTTPS": "off", "SECRET_KEY": "tests-only-" + "x" * 50, "REDIS_URL": url}
        self.running: list[Program] = []
        prepared = run(("-m", "launcher.prepare"), environment(self.data, **self.values))
        assert prepared.returncode == 0, prepared.stderr

    def start(self, name: str, **values: str) -> Program:
        command, own = SERVERS[name]
        self.running.append(Program(command, self.data, **{**self.values, **own, **values}))
        return self.running[-1].wait_until_up()

    def end(self) -> None:
        for program in self.running:
            if program.process.poll() is None:
                program.end(signal.SIGTERM)
        assert self.running[0].wait_until_gone() == {}


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installation")
    port, redis = servers.start_redis(embedded_redis.redis_server(), folder)
    installation = Installation(folder, port)
    yield installation
    installation.end()
    redis.kill()
    redis.wait()


class Answer:
    """An answer without the headers that belong to the server."""

    def __init__(self, reply: http.client.HTTPResponse) -> None:
        body = reply.read()
        self.status = reply.status
        named = [(name.lower(), value) for name, value in reply.getheaders() if name.lower() not in OF_THE_SERVER]
        self.headers = {name: "…" if name in OF_THE_MOMENT else value for name, value in named}
        self.length = self.headers.pop("content-length", None)
        self.body = re.sub(rb"\b[A-Za-z0-9]{64}\b", b"csrf token", body)

    def assert_like(self, other: "Answer", what: str) -> None:
        assert (self.status, self.headers, self.body) == (other.status, other.headers, other.body), what
        # Where Django gives no Content-Length, some servers send chunks and some compute it.
        assert self.length == other.length or None in (self.length, other.length), what


def say(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Host": "localhost", "X-Request-ID": "of-the-test", **named})
        return Answer(connection.getresponse())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def account(installation):
    """(access token, id) of a user who is registered over HTTP."""
    web = installation.start("gthread")
    port = web.port
    registered = say(port, "POST", "/api/v1/users", json.dumps(NAMED).encode(), **JSON)
    assert registered.status == 201, registered.body
    tokens = json.loads(say(port, "POST", "/api/v1/auth/token", json.dumps(ANN).encode(), **JSON).body)
    web.end(signal.SIGTERM)  # or it would go on to log, in its own format, beside those that are tested
    return tokens["access"], json.loads(registered.body)["id"]

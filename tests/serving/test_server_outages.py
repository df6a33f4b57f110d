"""Redis and the database going and coming back are one line each in the log of a process, not one for each request."""

import json
import logging
import re
import signal

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.signals import connection_created

from api.problems import as_problem
from devtools import servers
from launcher import embedded_redis
from tests.support.polling import wait_until
from tests.support.programs import WEB, Program, environment, run
from tests.support.web_servers import ANN, JSON, NAMED, say

pytestmark = [pytest.mark.embedded, pytest.mark.sampled]
ROUNDS = 40


@pytest.mark.parametrize("server", ["gunicorn", "granian"])
def test_redis_goes_and_comes_back(tmp_path, server):
    port, redis = servers.start_redis(embedded_redis.redis_server(), tmp_path)
    values = {
        "DEBUG": "0", "SECRET_KEY": "tests-only-" + "x" * 50, "HTTPS": "off", "THROTTLES": "off", "SERVER": server,
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
    }  # fmt: skip
    assert run(("-m", "launcher.prepare"), environment(tmp_path / "data", **values)).returncode == 0
    web = Program(WEB, tmp_path / "data", **values).wait_until_up()
    try:
        say(web.port, "POST", "/api/v1/users", json.dumps(NAMED).encode(), **JSON)
        token = json.loads(say(web.port, "POST", "/api/v1/auth/token", json.dumps(ANN).encode(), **JSON).body)["access"]

        def ask() -> None:
            for path in ("/api/v1/users/me", "/api/v1/popups/next?placement=home", "/readyz", "/api/v1/feed"):
                say(web.port, "GET", path, Authorization=f"Bearer {token}")

        for _ in range(ROUNDS):
            ask()
        begin = len(web.log.read_text())
        redis.kill()
        redis.wait()
        for _ in range(ROUNDS):
            ask()
        command = [embedded_redis.redis_server(), "--port", str(port), "--dir", str(tmp_path), "--save", ""]
        redis = servers.start_process(command, port, tmp_path / "redis.log")
        wait_until(lambda: ask() or re.search("Redis is used again, after [0-9.]+ s", web.log.read_text()[begin:]))
    finally:
        web.end(signal.SIGTERM)
        redis.kill()
        redis.wait()
    lines = web.log.read_text()[begin:].splitlines()
    about = [line for line in lines if "Redis" in line]
    assert len([line for line in about if "Redis cannot be used (" in line]) == 1
    assert len([line for line in about if "Redis is used again" in line]) == 1
    assert len(about) <= 5, "two of the breaker, two of /readyz, one of the event loop"
    assert [line for line in lines if "Service Unavailable" in line or "Traceback" in line] == []


def test_the_database_goes_and_comes_back(caplog):
    gone = OperationalError(2006, "Server has gone away")
    with caplog.at_level(logging.WARNING):
        assert [as_problem(gone).status_code for _ in range(ROUNDS)] == [503] * ROUNDS
        for _ in range(ROUNDS):
            connection_created.send(sender=None, connection=connections[DEFAULT_DB_ALIAS])
        as_problem(OperationalError(1205, "Lock wait timeout exceeded"))
    first, second, third = [record.getMessage() for record in caplog.records]
    assert first.startswith("The database cannot be reached ((2006, 'Server has gone away')): ")
    assert re.fullmatch(r"The database answers again, after [0-9.]+ s\.", second)
    assert third == "The database did not answer: (1205, 'Lock wait timeout exceeded')"

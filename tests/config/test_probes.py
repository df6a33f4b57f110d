"""The probes /healthz and /readyz in production: by IP address, over plain HTTP, while Redis or the database hangs."""

import os
import signal
import time

import pytest

from devtools import servers
from launcher import embedded_redis
from tests.support.programs import GUNICORN

PRODUCTION = {"DEBUG": "0", "SECRET_KEY": "tests-only-" + "x" * 50, "ALLOWED_HOSTS": "hotpath.example"}


@pytest.fixture
def redis(tmp_path):
    port, process = servers.start_redis(embedded_redis.redis_server(), tmp_path)
    yield port, process
    process.kill()
    process.wait()


@pytest.mark.embedded
def test_probes_while_redis_hangs_and_after_it_died(program, redis):
    port, process = redis
    web = program(GUNICORN, REDIS_URL=f"redis://127.0.0.1:{port}/0", **PRODUCTION).wait_until_up()
    assert web.ask("/readyz").body == {"status": "ok", "database": "ok", "redis": "ok", "jobs": "error", "popups": "ok"}

    os.kill(process.pid, signal.SIGSTOP)
    began = time.monotonic()
    hanging = web.ask("/readyz")
    assert time.monotonic() - began < 3
    os.kill(process.pid, signal.SIGCONT)
    assert (hanging.status, hanging.body["redis"], hanging.body["database"]) == (503, "error", "ok")
    assert web.ask("/readyz").status == 200

    process.kill()
    process.wait()
    down = web.ask("/readyz")
    assert (down.status, down.body) == (
        503,
        {"status": "error", "database": "ok", "redis": "error", "jobs": "error", "popups": "error"},
    )
    assert (web.ask("/healthz").status, web.ask("/healthz").body) == (200, {"status": "ok"})


@pytest.mark.embedded
def test_probes_without_the_database(program, redis):
    port, _ = redis
    nowhere = "sqlite:////dev/null/none/hotpath.sqlite3"
    web = program(GUNICORN, REDIS_URL=f"redis://127.0.0.1:{port}/0", DATABASE_URL=nowhere, **PRODUCTION).wait_until_up()
    down = web.ask("/readyz")
    assert (down.status, down.body) == (
        503,
        {"status": "error", "database": "error", "redis": "ok", "jobs": "error", "popups": "ok"},
    )
    assert web.ask("/healthz").status == 200


@pytest.mark.embedded
def test_only_probes_pass_by_address_and_in_plain_http(program, redis):
    web = program(GUNICORN, REDIS_URL=f"redis://127.0.0.1:{redis[0]}/0", **PRODUCTION).wait_until_up()
    assert web.ask("/healthz").status == 200
    assert web.ask("/api/v1/users/1").status == 400  # a host that is not in ALLOWED_HOSTS
    redirected = web.ask("/api/v1/users/1", Host="hotpath.example")
    assert (redirected.status, redirected.headers["Location"]) == (301, "https://hotpath.example/api/v1/users/1")
    behind_proxy = web.ask("/api/v1/users/1", Host="hotpath.example", X_Forwarded_Proto="https")
    assert behind_proxy.status == 401
    assert "max-age" in behind_proxy.headers["Strict-Transport-Security"]


@pytest.mark.services
def test_readyz_answers_in_time_while_the_database_hangs(program, redis, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    port, process = servers.start_mariadb(folder)
    url = f"mysql://root@127.0.0.1:{port}/mysql"
    web = program(GUNICORN, REDIS_URL=f"redis://127.0.0.1:{redis[0]}/0", DATABASE_URL=url, **PRODUCTION).wait_until_up()
    assert web.ask("/readyz").status == 200
    os.kill(process.pid, signal.SIGSTOP)
    for _ in range(3):
        began = time.monotonic()
        hanging = web.ask("/readyz")
        assert time.monotonic() - began < 3
        assert (hanging.status, hanging.body["database"], hanging.body["redis"]) == (503, "error", "ok")
    os.kill(process.pid, signal.SIGKILL)

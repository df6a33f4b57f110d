"""GET /metrics while Redis or the database hangs or is gone, and while no worker runs the jobs."""

import os
import signal
import time

import pytest

from devtools import servers
from launcher import embedded_redis
from tests.metrics.scrapes import scrape
from tests.support.polling import wait_until
from tests.support.programs import GUNICORN

LONGEST_S = 5


@pytest.fixture
def redis(tmp_path):
    port, process = servers.start_redis(embedded_redis.redis_server(), tmp_path)
    yield f"redis://127.0.0.1:{port}/0", process
    process.kill()
    process.wait()


def ups(web):
    """Return what a scrape says of the servers, which has to answer in time."""
    began = time.monotonic()
    told = scrape(web.port)
    assert time.monotonic() - began < LONGEST_S
    return {sample.labels["server"]: sample.value for sample in told.named("hotpath_up")}


@pytest.mark.embedded
def test_redis_hangs_answers_again_and_dies(program, redis):
    url, process = redis
    web = program(GUNICORN, REDIS_URL=url, DEBUG="1").wait_until_up()
    wait_until(lambda: ups(web)["redis"] == 1)
    assert scrape(web.port).total("hotpath_redis_memory_bytes") > 100_000
    os.kill(process.pid, signal.SIGSTOP)
    wait_until(lambda: ups(web)["redis"] == 0)
    os.kill(process.pid, signal.SIGCONT)
    wait_until(lambda: ups(web)["redis"] == 1)
    process.kill()
    process.wait()
    wait_until(lambda: ups(web)["redis"] == 0)


@pytest.mark.embedded
def test_without_the_database_and_without_a_worker(program, redis):
    nowhere = "sqlite:////dev/null/none/hotpath.sqlite3"
    web = program(GUNICORN, REDIS_URL=redis[0], DEBUG="1", DATABASE_URL=nowhere).wait_until_up()
    wait_until(lambda: ups(web) == {"database": 0, "redis": 1})
    jobs = scrape(web.port).named("hotpath_job_up")
    assert {sample.labels["job"]: sample.value for sample in jobs}.items() >= {("rollup", 0.0), ("sampling", 0.0)}


@pytest.mark.services
def test_the_database_hangs(program, redis, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    port, process = servers.start_mariadb(folder)
    url = f"mysql://root@127.0.0.1:{port}/mysql"
    web = program(GUNICORN, REDIS_URL=redis[0], DATABASE_URL=url, DEBUG="1").wait_until_up()
    wait_until(lambda: ups(web) == {"database": 1, "redis": 1})
    os.kill(process.pid, signal.SIGSTOP)
    wait_until(lambda: ups(web) == {"database": 0, "redis": 1})
    os.kill(process.pid, signal.SIGKILL)

"""The meters count requests whose costs are known."""

import subprocess
import sys

import pytest
from django.db import connection

from loadtest.bench.load_generator import Outcome, Workload, run_load
from loadtest.bench.meters import TICKS_PER_S, commands_sent, cpu_meter, database_meter, redis_meter
from loadtest.bench.web_server import WebServer

REQUESTS = 30
IDS = ",".join(map(str, range(1, 51)))
COSTS = {  # (SQL statements, Redis round trips of one command) of one request
    "/baseline/empty": (0, 0),
    "/baseline/users/7": (2, 0),
    f"/baseline/users?ids={IDS}": (2, 0),
    "/api/v1/users/7": (0, 1),
    f"/api/v1/users?ids={IDS}": (0, 1),
}


@pytest.fixture
def send_requests(web: WebServer, tokens: list[str]):
    """Send exactly REQUESTS requests for a path; as many were sent before, to warm up."""

    def send_requests(path: str) -> Outcome:
        return run_load(Workload(port=web.port, paths=[path], tokens=tokens, connections=3, requests=REQUESTS))

    for path in COSTS:
        send_requests(path)
    return send_requests


def test_every_request_is_sent_and_answered_once(send_requests):
    for path in COSTS:
        outcome = send_requests(path)
        assert outcome.requests == len(outcome.latencies_ms) == REQUESTS
        assert outcome.errors == {}


def test_redis_commands_and_round_trips(send_requests, redis):
    meter = redis_meter(redis)
    for path, (_, each) in COSTS.items():
        with meter.counted() as counts:
            send_requests(path)
        assert counts == {"commands": each * REQUESTS, "round_trips": each * REQUESTS}, path


@pytest.mark.services
def test_sql(send_requests):
    def sql(statement: str) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    meter = database_meter(sql)
    for path, (each, _) in COSTS.items():
        with meter.counted() as counts:
            send_requests(path)
        assert counts == {"questions": each * REQUESTS, "com_select": each * REQUESTS, "connections": 0}, path


def test_commands_that_scripts_call_are_not_counted_as_sent(redis):
    sent = commands_sent(redis, lambda: redis.eval("redis.call('TIME') return redis.call('GET', KEYS[1])", 1, "any"))
    assert sent == {"EVAL": 1}


def test_cpu_time_of_a_process_is_its_own():
    burn = "import time; input()\nwhile time.process_time() < 0.4: pass\nprint('done', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        with cpu_meter([process.pid]).counted() as counts:
            process.stdin.write(b"\n")
            process.stdin.flush()
            process.stdout.readline()
            sum(range(5_000_000))  # CPU time of another process
        process.communicate(b"\n")
    assert 0.3 < counts["ticks"] / TICKS_PER_S < 0.45

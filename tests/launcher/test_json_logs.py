"""With LOG_FORMAT=json every line on standard error is an object: of launcher, supervisor, web workers and run_jobs."""

import json
import os
import signal
import subprocess
import sys

import pytest

from config.environment import BASE_DIR
from devtools.servers import free_port
from tests.support.polling import wait_until
from tests.support.programs import SERVE, Program, environment

pytestmark = [pytest.mark.embedded, pytest.mark.sampled]


def parsed(log: str) -> list[dict]:
    lines = [json.loads(line) for line in log.splitlines()]
    assert all({"time", "level", "logger", "message", "process"} <= line.keys() for line in lines)
    return lines


class SpokenProgram(Program):
    """A program whose `log` has its standard error alone; `said` is what it says to the person who started it."""

    def __init__(self, program, data, **values):
        self.port, self.data = free_port(), data
        self.log, self.said = data.parent / "errors", data.parent / "said"
        with self.log.open("wb") as errors, self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, *program], cwd=BASE_DIR, env=environment(data, PORT=str(self.port), **values),
                stdin=subprocess.DEVNULL, stdout=said, stderr=errors, start_new_session=True,
            )  # fmt: skip


def test_of_all_that_make_run_starts(tmp_path, without_demo_data):
    launched = SpokenProgram(SERVE, tmp_path / "data", LOG_FORMAT="json", ACCESS_LOG="on")
    try:
        wait_until(lambda: "Stop with Ctrl-C" in launched.said.read_text())
        assert launched.ask("/api/v1/users/1").status == 401
        os.kill(min(launched.processes("-m serving")), signal.SIGHUP)
        wait_until(lambda: "Reloaded: process" in launched.log.read_text())
        (redis,) = launched.processes("redis-server")
        os.kill(redis, signal.SIGSTOP)
        wait_until(lambda: "jobs.worker" in launched.log.read_text())
        os.kill(redis, signal.SIGCONT)
    finally:
        assert launched.end(signal.SIGTERM) == 0
    assert launched.wait_until_gone() == {}
    lines = parsed(launched.log.read_text())
    assert {line["logger"] for line in lines} >= {"serving.supervisor.supervisor", "requests.access", "jobs.worker"}
    assert "{" not in launched.said.read_text()


def test_of_a_worker_that_reaches_no_redis(program, without_demo_data):
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    worker = program(("manage.py", "run_jobs"), LOG_FORMAT="json", REDIS_URL=nowhere)
    for text in ("Heartbeats of jobs cannot be written to Redis", "Job popup_events failed"):
        worker.wait_until_printed(text)
    assert worker.end(signal.SIGTERM) == 0
    assert {line["logger"] for line in parsed(worker.log.read_text())} >= {"jobs.worker", "jobs.runner"}

"""`make run`: the launcher starts all processes, ends them, and keeps the data."""

import os
import signal
import stat

import pytest

from devtools.servers import free_port
from tests.support.polling import wait_until
from tests.support.programs import SERVE, environment, run

pytestmark = [pytest.mark.embedded, pytest.mark.sampled]
READY = "Stop with Ctrl-C"
LOGIN = {"username": "admin", "password": "hotpath-demo"}


def test_everything_starts_keeps_its_data_and_ends_on_ctrl_c(program):
    first = program(SERVE).wait_until_printed(READY)
    assert "/api/docs" in first.log.read_text()
    assert "admin" in first.log.read_text()
    wait_until(lambda: set(first.ask("/readyz").body.values()) == {"ok"})  # once each job has had its first heartbeat
    assert first.ask("/api/v1/auth/token", LOGIN).status == 200
    newcomer = {"username": "newcomer", "password": "a-long-enough-phrase"}
    assert first.ask("/api/v1/users", newcomer).status == 201
    assert first.processes("redis-server")
    for part in ("gunicorn", "run_jobs"):
        assert first.processes(part), part
    assert first.end(signal.SIGINT) == 0
    assert first.wait_until_gone() == {}
    key = first.data / "secret_key"
    assert len(key.read_text()) >= 50
    assert stat.S_IMODE(key.stat().st_mode) == 0o600

    second = program(SERVE).wait_until_up()
    assert second.ask("/api/v1/auth/token", newcomer).status == 200
    assert second.end(signal.SIGTERM) == 0
    assert second.wait_until_gone() == {}
    assert second.log.read_text().count("Loading demo data") == 1


def test_a_second_launcher_on_the_same_data_is_refused(program, without_demo_data):
    first = program(SERVE).wait_until_up()
    refused = run(SERVE, environment(first.data, PORT=str(free_port())))
    assert refused.returncode != 0
    assert "Hotpath already runs on the data in" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert first.ask("/readyz").status == 200


@pytest.mark.parametrize(
    ("part", "status"), [("redis-server", -9), ("-m serving", -9), ("gunicorn", 137), ("run_jobs", -9)]
)
def test_the_end_of_one_process_ends_all(program, without_demo_data, part, status):
    started = program(SERVE).wait_until_printed(READY)
    os.kill(min(started.processes(part)), signal.SIGKILL)
    assert started.process.wait(40) != 0
    assert started.wait_until_gone() == {}
    assert f"ended with status {status}; everything is being stopped." in started.log.read_text()


def test_a_killed_launcher_leaves_nobody_behind(program, without_demo_data):
    started = program(SERVE).wait_until_printed(READY)
    started.end(signal.SIGKILL)
    assert started.wait_until_gone() == {}


def test_signals_that_arrive_together(program, without_demo_data):
    started = program(SERVE).wait_until_printed(READY)
    for signum in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        started.process.send_signal(signum)
    assert started.process.wait(40) == 0
    assert started.wait_until_gone() == {}
    assert "Traceback" not in started.log.read_text()


def test_ctrl_c_in_the_middle_of_the_start(program):
    started = program(SERVE).wait_until_printed("Loading demo data")
    started.end(signal.SIGINT)
    assert started.wait_until_gone() == {}
    assert "Traceback" not in started.log.read_text()
    again = program(SERVE).wait_until_up()
    assert again.ask("/api/v1/auth/token", LOGIN).status == 200

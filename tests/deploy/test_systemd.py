"""The units of deploy/systemd: systemd accepts them, they start what Procfile starts, and that tells how it is."""

import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config.environment import BASE_DIR
from devtools import servers
from tests.deploy.procfile import procfile
from tests.support.programs import MANAGE, WEB, Program

pytestmark = pytest.mark.embedded
UNITS = sorted((BASE_DIR / "deploy/systemd").glob("*.service"))
PYTHON = "/opt/hotpath/.venv/bin/python"
RUN_JOBS = (MANAGE[0], "run_jobs")
SERVERS_LEAVE_S = 26  # WEB_DRAIN_S and serving.gunicorn_config.RUNNING_REQUESTS_S and some


def settings_of(path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_accepts_the_unit(path, tmp_path):
    if not (program := servers.program("systemd-analyze")):
        pytest.skip("needs Debian's systemd")
    unit = tmp_path / path.name
    unit.write_text(path.read_text().replace(PYTHON, sys.executable).replace("/opt/hotpath", str(BASE_DIR)))
    ran = subprocess.run([program, "verify", unit], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_units_run_the_processes_of_the_procfile():
    found = {path.stem.removeprefix("hotpath-"): settings_of(path)["ExecStart"] for path in UNITS}
    expected = {name: [shlex.join([PYTHON, *command[1:]])] for name, command in procfile().items()}
    assert found == expected


def test_units_share_their_rights_and_the_folder_of_metrics():
    web, worker = map(settings_of, UNITS)
    own = {"Description", "ExecStart", "ExecReload", "WatchdogSec", "WatchdogSignal", "KillMode", "OOMPolicy"}
    own |= {"MemoryMax", "LimitNOFILE"}
    assert {name for name in {*web, *worker} if web.get(name) != worker.get(name)} == own
    assert web["RuntimeDirectory"] == ["hotpath"]
    assert "DATA_DIR=/run/hotpath" in web["Environment"][0].split()
    assert web["RuntimeDirectoryPreserve"] == ["yes"]  # a restart of the one does not take it from the other
    assert int(web["TimeoutStopSec"][0]) > SERVERS_LEAVE_S


@pytest.fixture
def manager(tmp_path):
    """(path, receive): where a service manager listens, and what it is told next; TimeoutError if nothing is."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))

        def receive(within_s: float = 60) -> str:
            sock.settimeout(within_s)
            return sock.recv(1024).decode()

        yield str(path), receive


@pytest.mark.usefixtures("without_demo_data")
def test_the_web_process_tells_once_it_serves(program, manager):
    path, receive = manager
    web: Program = program(WEB, NOTIFY_SOCKET=path)
    assert receive() == "READY=1"
    assert web.ask("/healthz").status == 200
    web.process.send_signal(signal.SIGHUP)
    assert receive() == "READY=1"
    # gunicorn, which would tell as well, does not know whom.
    children = [Path(f"/proc/{pid}/environ") for pid in web.processes() if pid != web.process.pid]
    assert children
    assert all(b"NOTIFY_SOCKET" not in child.read_bytes() for child in children)


@pytest.mark.usefixtures("without_demo_data")
def test_the_worker_tells_that_it_lives(program, manager):
    path, receive = manager
    program(RUN_JOBS, NOTIFY_SOCKET=path)
    assert [receive() for _ in range(3)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]


HANGING = """
import os, time
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from jobs import worker
from jobs.api import Job
worker.BEAT_S, worker.STUCK_S, worker.STOP_S = 0.1, 1, 0
worker.work([Job("hanging", lambda: time.sleep(3_600))])
"""


@pytest.mark.usefixtures("without_demo_data")
def test_a_worker_whose_step_hangs_tells_no_more(program, manager):
    path, receive = manager
    worker: Program = program(("-c", HANGING), NOTIFY_SOCKET=path)
    assert receive() == "READY=1"
    with pytest.raises(TimeoutError):
        list(map(receive, [5.0] * 100))  # ten a second until STUCK_S
    worker.process.kill()

"""Web servers of the project in processes of their own, with any environment variables."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from devtools import servers

PROJECT_ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S, STOP_TIMEOUT_S = 30, 10
SUPERVISED = ["-m", "serving", "--bind", "127.0.0.1:{port}"]
ARGUMENTS = {
    "gunicorn": SUPERVISED,
    "granian": SUPERVISED,
    "gthread": [*SUPERVISED, "-k", "serving.workers.thread_worker.ThreadWorker", "config.wsgi"],
    # The project of loadtest/baselines/peers on plain gunicorn, whose master has no supervisor above it.
    "peers": [
        "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "-k", "gthread", "-w", "{WEB_WORKERS}",
        "--threads", "{WEB_THREADS}", "--keep-alive", "60", "loadtest.baselines.peers.wsgi",
    ],
}  # fmt: skip


class WebServer(NamedTuple):
    """A running server. `worker_pids` are the workers that it started with; a replaced worker has another id."""

    port: int
    supervisor_pid: int
    worker_pids: list[int]

    def pin_workers_to_cores(self) -> None:
        """Pin each worker to one core, starting with the last core: moving between cores costs CPU time."""
        cores = sorted(os.sched_getaffinity(0), reverse=True)
        for number, worker in enumerate(self.worker_pids):
            for thread in os.listdir(f"/proc/{worker}/task"):
                os.sched_setaffinity(int(thread), {cores[number % len(cores)]})


@contextmanager
def run_web_server(variables: dict[str, str], log: Path, tree: Path = PROJECT_ROOT) -> Iterator[WebServer]:
    """Run a web server while the block lasts, of this project or of another checkout, `tree`.

    `variables` are all environment variables of the process. SERVER selects one of ARGUMENTS (default: gunicorn), and
    WEB_WORKERS and WEB_THREADS must be set. Raise SystemExit if the workers do not start within START_TIMEOUT_S.
    """
    port = servers.free_port()
    server = variables.get("SERVER") or "gunicorn"
    # gthread is a worker class of gunicorn, and no value of the project's own variable.
    variables = {**variables, "SERVER": "gunicorn" if server == "gthread" else server}
    command = [sys.executable, *(argument.format(port=port, **variables) for argument in ARGUMENTS[server])]
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            command, cwd=tree, env=variables, stdout=output, stderr=output, start_new_session=True,
            preexec_fn=servers.end_with_parent,
        )  # fmt: skip
    try:
        servers.wait_for_port(port, supervisor, START_TIMEOUT_S)
        workers = worker_pids(supervisor.pid, int(variables["WEB_WORKERS"]), is_supervised=server != "peers")
        yield WebServer(port, supervisor.pid, workers)
    finally:
        _stop(supervisor)


def worker_pids(supervisor_pid: int, count: int, *, is_supervised: bool = True) -> list[int]:
    """Wait until the server has `count` workers, and return their process ids; raise SystemExit if it has not within
    START_TIMEOUT_S."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        masters = _children(supervisor_pid) if is_supervised else [supervisor_pid]
        pids = [pid for master in masters for pid in _children(master) if _is_worker(pid)]
        if len(pids) == count:
            return pids
        time.sleep(0.05)
    raise SystemExit(f"The server did not start {count} workers within {START_TIMEOUT_S} s, but has {pids}.")


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # the process has just ended
        return []


def _is_worker(pid: int) -> bool:
    """Python's own tracker of shared resources is a child of the master, too."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # the process has just ended
        return False
    return bool(command) and b"resource_tracker" not in command


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    supervisor.terminate()
    try:
        supervisor.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        supervisor.kill()  # the kernel then ends the server
        supervisor.wait()

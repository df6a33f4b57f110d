"""`make run`: start all processes on this machine by one command, `python -m launcher`.

Starts an embedded Redis (unless REDIS_URL is set), migrates, loads demo data, then starts the processes of the
Procfile. Ctrl-C, SIGTERM, or the end of any process ends all processes.
"""

import fcntl
import logging.config
import os
import shlex
import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path
from types import FrameType
from typing import NoReturn

from config import environment
from config.environment import BASE_DIR, Misconfigured
from launcher import embedded_redis
from launcher.processes import Processes
from serving.parent_death import end_with_parent

LOCK_WAIT_S = 2
WEB_START_S = 60
ADMIN, PASSWORD = "admin", "hotpath-demo"  # as in seed_demo, whose module the launcher does not import
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Run all processes until a signal arrives or one of them ends."""
    if "MAKELEVEL" in os.environ:
        end_with_parent()  # if make is killed, the launcher ends too
    for signum in SIGNALS:
        signal.signal(signum, _interrupt)
    processes = Processes()
    try:
        _run(processes)
    except KeyboardInterrupt:
        print("\nStopping …", flush=True)
    finally:
        _ignore_signals()
        processes.stop()


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    """Raise KeyboardInterrupt for the first signal alone: a group and make may both pass on the same one."""
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for signum in SIGNALS:
        signal.signal(signum, lambda *_: None)  # SIG_IGN would complain of those that have arrived already


def _run(processes: Processes) -> None:
    environment.require_libraries()

    from config import settings

    logging.config.dictConfig(settings.LOGGING)
    _require_free(settings.HOST, settings.PORT)
    lock = _lock(environment.writable(settings.DATA_DIR))
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    if not os.environ.get("REDIS_URL"):
        env["REDIS_URL"] = _start_redis(processes, settings.DATA_DIR / "redis", lock)
    _prepare(processes, env)
    for name, command in _procfile().items():
        processes.start(name, command, env)
    _wait_for_web(processes, settings.PORT)
    print(_banner(settings.PORT, demo=settings.DEBUG), flush=True)
    _watch(processes)


def _require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Misconfigured(f"Port {port} cannot be used ({error.strerror}): set PORT to another.") from None


def _lock(data_dir: Path) -> int:
    """Lock the data, and return the lock's file descriptor; Redis inherits it, and so holds the lock while it runs."""
    descriptor = os.open(data_dir / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_WAIT_S  # processes of a killed launcher may be about to end
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Misconfigured(
                    f"Hotpath already runs on the data in {data_dir}: stop it, or set DATA_DIR to another folder."
                ) from None
            time.sleep(0.1)


def _start_redis(processes: Processes, folder: Path, lock: int) -> str:
    environment.writable(folder)
    path = embedded_redis.socket_path(folder)
    path.unlink(missing_ok=True)
    process = processes.start("redis", embedded_redis.command(folder, path), dict(os.environ), keep_open=(lock,))
    embedded_redis.wait_until_loaded(process, path, folder / "redis.log")
    url = embedded_redis.url(path)
    (folder / "url").write_text(url)  # other commands on this data find the server by this file
    return url


def _prepare(processes: Processes, env: dict[str, str]) -> None:
    child = processes.start("prepare", [sys.executable, "-m", "launcher.prepare"], env)
    if status := child.wait():
        raise SystemExit(status)
    del processes.children["prepare"]


def _procfile() -> dict[str, list[str]]:
    lines = (line.split(":", 1) for line in (BASE_DIR / "Procfile").read_text().splitlines() if ":" in line)
    return {name.strip(): shlex.split(command) for name, command in lines}


def _wait_for_web(processes: Processes, port: int) -> None:
    deadline = time.monotonic() + WEB_START_S
    while time.monotonic() < deadline:
        _fail_if_ended(processes)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise Misconfigured(f"The web process does not answer on port {port}; see its messages above.")


def _watch(processes: Processes) -> None:
    while True:
        _fail_if_ended(processes)
        time.sleep(0.2)


def _fail_if_ended(processes: Processes) -> None:
    for name, child in processes.children.items():
        if (status := child.poll()) is not None:
            raise Misconfigured(f"The process '{name}' ended with status {status}; everything is being stopped.")


def _banner(port: int, *, demo: bool) -> str:
    site = f"http://127.0.0.1:{port}"
    lines = [f"Hotpath runs on {site}", f"  API docs   {site}/api/docs", f"  Admin      {site}/admin/"]
    if demo:
        from users.demo import people

        username = next(people(1))["username"]
        lines.append(f"  Log in     as {ADMIN} (to the admin too) or, for example, {username}; password {PASSWORD}")
    return "\n".join(["", *lines, "  Stop with Ctrl-C", ""])


if __name__ == "__main__":
    main()

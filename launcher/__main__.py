"""`make run`: everything on this machine by one command, `python -m launcher`.

Embedded Redis (unless REDIS_URL is given), migrations, demo data, then the processes of the Procfile. A Ctrl-C, a
SIGTERM, or the end of any one of them ends all of them.
"""

import fcntl
import os
import shlex
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

from config import environment
from config.environment import BASE_DIR, Misconfigured
from launcher import embedded_redis
from launcher.processes import Processes, end_with_parent

LOCK_WAIT_S = 2
WEB_START_S = 60
ADMIN, PASSWORD = "admin", "hotpath-demo"  # of seed_demo; the launcher itself loads no models


class Stopped(BaseException):
    """Someone asked for the end, by Ctrl-C or a signal."""


def main() -> None:
    if "MAKELEVEL" in os.environ:
        end_with_parent()  # a killed make must not leave us behind
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _stop)
    processes = Processes()
    try:
        _run(processes)
    except Stopped:
        print("\nStopping …", flush=True)
    finally:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, signal.SIG_IGN)
        processes.stop()


def _stop(signum: int, frame: FrameType | None) -> None:
    raise Stopped


def _run(processes: Processes) -> None:
    environment.require_libraries()
    from config import settings

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
    """Descriptor of the lock on the data. Redis keeps it open too, so the lock lasts while anyone uses the data."""
    descriptor = os.open(data_dir / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_WAIT_S  # for processes of a killed run, which are just ending
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
    (folder / "url").write_text(embedded_redis.url(path))  # other commands on this data find the server by it
    return embedded_redis.url(path)


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
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise Misconfigured(f"The web process does not answer on port {port}; see its messages above.")


def _watch(processes: Processes) -> None:
    while True:
        _fail_if_ended(processes)
        time.sleep(0.2)


def _fail_if_ended(processes: Processes) -> None:
    if ended := processes.ended():
        name, status = ended
        raise Misconfigured(f"The process '{name}' ended with status {status}; everything is being stopped.")


def _banner(port: int, *, demo: bool) -> str:
    site = f"http://127.0.0.1:{port}"
    lines = [f"Hotpath runs on {site}", f"  API docs   {site}/api/docs", f"  Admin      {site}/admin/"]
    return "\n".join(["", *lines, *(_demo_login() if demo else []), "  Stop with Ctrl-C", ""])


def _demo_login() -> list[str]:
    from users import demo

    someone = next(demo.people(1))["username"]
    return [f"  Log in     as {ADMIN} (to the admin too) or, for example, {someone}; password {PASSWORD}"]


if __name__ == "__main__":
    main()

"""Servers for tests and benchmarks on free ports: Redis, MariaDB, PostgreSQL; ended at exit, with their data.

`python -m devtools.servers` names the Debian packages that `make test-services` needs and that are not installed.
"""

import atexit
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from devtools.programs import output_of
from serving.parent_death import end_with_parent

# Debian keeps the programs of PostgreSQL off PATH, in a folder for each version; mariadbd is often in sbin only.
POSTGRESQL = [str(path / "bin") for path in sorted(Path("/usr/lib/postgresql").glob("[0-9]*"), reverse=True)]
SYSTEM_PATH = ":".join([os.environ.get("PATH", os.defpath), "/usr/local/sbin:/usr/sbin:/sbin", *POSTGRESQL])

BINARY_LOG = ("--log-bin=binlog", "--server-id=1", "--binlog-format=ROW", "--binlog-row-image=FULL",
              "--binlog-row-metadata=FULL")  # fmt: skip
"""The options of a MariaDB whose binary log tells of each row: see binlog/."""

PORTS = range(10_000, 22_000)
LAST_LINES = 30
BUS = 10_000
"""How far above its port a node of a Redis Cluster listens for the others."""


def program(name: str) -> str | None:
    """Return the path of an installed program."""
    return shutil.which(name, path=SYSTEM_PATH)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that no process uses.

    It is none of those that the kernel gives to outgoing connections, so that a server that was killed finds it free.
    """
    while True:
        port = secrets.choice(PORTS)
        if all(_is_free(each) for each in (port, port + BUS)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_for_port(port: int, process: subprocess.Popen, timeout_s: float = 120) -> None:
    """Return when the process listens on the port; end the program if it exits, or does not listen in time."""
    command: Any = process.args
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{command[0]} ended at once with status {process.returncode}.")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"{command[0]} did not listen on port {port} within {timeout_s} s.")


def start_process(
    command: list[str], port: int, log: Path, *, stop: signal.Signals = signal.SIGKILL, **account: Any
) -> subprocess.Popen:
    """Start a server, as another account if one is given; return when it listens on the port.

    It gets the signal `stop` when this process ends: a server of several processes needs one that it can handle.
    """
    handled = signal.SIGTERM if stop is signal.SIGKILL else stop
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, preexec_fn=partial(end_with_parent, handled),
            **account,
        )  # fmt: skip
    atexit.register(_stop, process, stop)
    try:
        wait_for_port(port, process)
    except SystemExit as end:
        raise SystemExit(f"{end}\n{_last_lines(log)}") from None  # its folder goes with this process
    return process


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])


def _stop(process: subprocess.Popen, number: signal.Signals) -> None:
    """End a server before its folder is removed."""
    process.send_signal(number)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)


def temporary_folder() -> Path:
    """Create a folder that is removed when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="hotpath-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def start_redis(binary: str, folder: Path, *extra: str) -> tuple[int, subprocess.Popen]:
    """Start an empty Redis with more options, if any; return its port and process."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    command = [binary, *options, "--set-max-intset-entries", "6000", *extra]
    return port, start_process(command, port, folder / "redis.log")


def start_mariadb(folder: Path, *extra: str) -> tuple[int, subprocess.Popen]:
    """Start an empty MariaDB without durability, with root having no password; return its port and process."""
    install_mariadb(folder, folder / "mariadb")
    return restart_mariadb(folder, free_port(), *extra)


def install_mariadb(folder: Path, data: Path) -> None:
    """Create the system tables of a MariaDB in `data`; what its program needs for a moment lies in `folder`."""
    output_of(
        [program("mariadb-install-db") or "mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db",
         "--auth-root-authentication-method=normal", f"--tmpdir={folder}", *_as_root()],
    )  # fmt: skip


def restart_mariadb(folder: Path, port: int, *extra: str) -> tuple[int, subprocess.Popen]:
    """Start a MariaDB on the data that an earlier one has left in the folder; return its port and process."""
    options = [
        "--no-defaults", f"--datadir={folder}/mariadb", f"--socket={folder}/mariadb.sock", f"--port={port}",
        "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync",
        "--innodb-doublewrite=0", "--skip-name-resolve", "--max-connections=300",
        # As for its installation: a MariaDB that starts deletes others' temporary tables in a folder that they share.
        "--character-set-server=utf8mb4", f"--tmpdir={folder}", *_as_root(), *extra,
    ]  # fmt: skip
    return port, start_process([program("mariadbd") or "mariadbd", *options], port, folder / "mariadb.log")


def _as_root() -> list[str]:
    return ["--user=root"] if os.getuid() == 0 else []


def start_postgresql(folder: Path, *extra: str) -> tuple[int, subprocess.Popen]:
    """Start an empty PostgreSQL without durability, with postgres having no password; return its port and process."""
    data, port, account = folder / "postgresql", free_port(), _unprivileged_account()
    data.mkdir()
    if account:
        folder.chmod(0o711)  # the server's account passes through it to its data
        os.chown(data, account["user"], account["group"])
    output_of(
        [program("initdb") or "initdb", f"--pgdata={data}", "--username=postgres", "--auth=trust", "--encoding=UTF8",
         "--locale=C.UTF-8", "--no-sync"],
        cwd=data, **account,
    )  # fmt: skip
    options = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": data, "max_connections": 300,
        "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
    }  # fmt: skip
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    command = [program("postgres") or "postgres", "-D", str(data), *settings, *extra]
    return port, start_process(command, port, folder / "postgresql.log", stop=signal.SIGQUIT, **account)


def _unprivileged_account() -> dict[str, Any]:
    """Return how subprocess starts a server that refuses to be root: as another account, if this process is root."""
    if os.getuid() != 0:
        return {}
    accounts = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = accounts.get("postgres") or accounts["nobody"]
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def start_haproxy(folder: Path, ports: list[int]) -> tuple[int, subprocess.Popen]:
    """Start a load balancer before web servers on the ports, which it asks for /readyz; return its port and process."""
    port = free_port()
    lines = "".join(f"    server web{number} 127.0.0.1:{number} check inter 500 fall 2 rise 1\n" for number in ports)
    (folder / "haproxy.cfg").write_text(
        "defaults\n    mode http\n    timeout connect 2s\n    timeout client 30s\n    timeout server 30s\n"
        "    retries 3\n    option redispatch 1\n    option httpchk GET /readyz\n"
        f"listen web\n    bind 127.0.0.1:{port}\n{lines}"
    )
    command = [program("haproxy") or "haproxy", "-db", "-q", "-f", str(folder / "haproxy.cfg")]
    return port, start_process(command, port, folder / "haproxy.log")


def missing_packages() -> list[str]:
    """Return the Debian packages that the tests on MariaDB, PostgreSQL and Redis need and that are not installed."""
    needs: dict[str, object] = {
        "mariadb-server": program("mariadbd") and program("mariadb-install-db"),
        "postgresql": program("postgres") and program("initdb"),
        "redis-server": program("redis-server"),
        "haproxy": program("haproxy"),
    }
    if not find_spec("MySQLdb"):
        header = Path(sysconfig.get_paths()["include"]) / "Python.h"
        needs |= {
            "libmariadb-dev": program("mariadb_config") or program("mysql_config"),
            "pkg-config": program("pkg-config"),
            "gcc": program("gcc"),
            "python3-dev": header.exists(),
        }
    return [package for package, found in needs.items() if not found]


def require_packages() -> None:
    """End the program if a Debian package is missing."""
    if missing := missing_packages():
        raise SystemExit(f"The tests on servers need Debian packages: apt-get install {' '.join(missing)}")


if __name__ == "__main__":
    require_packages()

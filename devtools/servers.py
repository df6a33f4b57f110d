"""Private servers for the tests: a Redis always, a MariaDB when asked; free ports, temporary folder, ended at exit.

`python -m devtools.servers` says which Debian packages `make test-services` lacks, if any.
"""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from launcher.processes import end_with_parent

SYSTEM_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"  # mariadbd is often in sbin only


def program(name: str) -> str | None:
    return shutil.which(name, path=SYSTEM_PATH)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int, process: subprocess.Popen, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} ended at once with status {process.returncode}.")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"{process.args[0]} did not listen on port {port} within {timeout_s} s.")


def started(command: list[str], port: int, log: Path) -> subprocess.Popen:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, preexec_fn=end_with_parent
        )
    atexit.register(process.kill)
    wait_for_port(port, process)
    return process


def temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hotpath-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def start_redis(binary: str, folder: Path, *extra: str) -> tuple[int, subprocess.Popen]:
    port = free_port()
    kept = ["--save", "", "--set-max-intset-entries", "6000"]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *kept, *extra]
    return port, started([binary, *options], port, folder / "redis.log")


def start_mariadb(folder: Path, *extra: str) -> tuple[int, subprocess.Popen]:
    """An empty server that lets root in without a password, on this machine only; durability is turned off."""
    data, port = folder / "mariadb", free_port()
    user = ["--user=root"] if os.getuid() == 0 else []
    subprocess.run(
        [program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", "--skip-test-db",
         "--auth-root-authentication-method=normal", *user],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    options = [
        "--no-defaults", f"--datadir={data}", f"--socket={folder}/mariadb.sock", f"--port={port}",
        "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync",
        "--innodb-doublewrite=0", "--skip-name-resolve", "--max-connections=300",
        "--character-set-server=utf8mb4", *user, *extra,
    ]  # fmt: skip
    return port, started([program("mariadbd"), *options], port, folder / "mariadb.log")


def missing_packages() -> list[str]:
    """Debian packages that the suite on MariaDB and Redis still needs on this machine."""
    needs = {
        "mariadb-server": program("mariadbd") and program("mariadb-install-db"),
        "redis-server": program("redis-server"),
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
    if missing := missing_packages():
        raise SystemExit(f"The suite on MariaDB and Redis needs Debian packages: apt-get install {' '.join(missing)}")


if __name__ == "__main__":
    sys.exit(require_packages())

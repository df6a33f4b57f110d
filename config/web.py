"""The web process of the Procfile: `python -m config.web` becomes gunicorn, or Granian where SERVER=granian."""

import os
import sys

from config import environment, gunicorn

SERVERS = ("gunicorn", "granian")


def main() -> None:
    os.execv(sys.executable, command(os.environ.get("SERVER") or "gunicorn"))  # noqa: S606  of our own making


def command(server: str) -> list[str]:
    if server not in SERVERS:
        raise environment.Misconfigured(f"SERVER={server} is unknown: write {' or '.join(SERVERS)}.")
    options = ["-c", "python:config.gunicorn"] if server == "gunicorn" else granian()
    return [sys.executable, "-m", server, *options]


def granian() -> list[str]:
    """Its own code accepts connections, outside of the event loop; so uvloop, the cheaper one, starves nobody here."""
    host, port = gunicorn.bind.rsplit(":", 1)
    named = {
        "interface": "asginl",
        "host": host,
        "port": port,
        "workers": gunicorn.workers,
        "workers-kill-timeout": gunicorn.graceful_timeout,
        "backlog": gunicorn.backlog,
        "backpressure": gunicorn.worker_connections,
        "http": "1",
        "loop": "uvloop",
        "runtime-mode": "st",
        "log-level": gunicorn.loglevel,
    }
    given = [part for name, value in named.items() for part in (f"--{name}", str(value))]
    return [*given, "--no-ws", "--respawn-failed-workers", "config.asgi:application"]


if __name__ == "__main__":
    main()

"""The web process of the Procfile: `python -m serving` becomes gunicorn, or Granian where SERVER=granian."""

import contextlib
import os
import sys

from django.conf import settings

from serving import gunicorn_config


def main() -> None:
    options = ["-c", "python:serving.gunicorn_config"] if settings.SERVER == "gunicorn" else granian()
    if settings.SERVER == "granian":
        _let_threads_finish()
    given = sys.argv[1:]  # options of the server's own, which win
    os.execv(sys.executable, [sys.executable, "-m", settings.SERVER, *options, *given])  # noqa: S606  no shell


def _let_threads_finish() -> None:
    """Two of Granian's threads wake each other for each request. As SCHED_BATCH neither interrupts the other at once,
    and on a busy core they hand over many requests at a time."""
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):  # where it is forbidden, it is only dearer
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def granian() -> list[str]:
    """Its own code accepts connections, outside of the event loop; so uvloop, the cheaper one, starves nobody here."""
    named = {
        "interface": "asginl",
        "host": settings.HOST,
        "port": settings.PORT,
        "workers": gunicorn_config.workers,
        "workers-kill-timeout": gunicorn_config.graceful_timeout,
        "backlog": gunicorn_config.backlog,
        "backpressure": gunicorn_config.worker_connections,
        "http": "1",
        "loop": "uvloop",
        "runtime-mode": "st",
        "log-level": gunicorn_config.loglevel,
    }
    given = [part for name, value in named.items() for part in (f"--{name}", str(value))]
    return [*given, "--no-ws", "--respawn-failed-workers", "config.asgi:application"]


if __name__ == "__main__":
    main()

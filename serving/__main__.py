"""The web process of the Procfile: `python -m serving` becomes gunicorn, or Granian where SERVER=granian."""

import contextlib
import os
import sys

from serving import gunicorn_config
from serving.requests.limits import MAX_HEAD_BYTES

# Granian closes a connection whose next request has not come by then, be it idle or slow. It cannot close idle ones for
# newcomers, so this also bounds how long those wait.
GRANIAN_IDLE_S = 15
settings = gunicorn_config.settings


def main() -> None:
    """Replace this process by the server; arguments of the command line are passed on and take precedence."""
    if settings.SERVER == "granian":
        _use_batch_scheduling()
    options = ["-c", "python:serving.gunicorn_config"] if settings.SERVER == "gunicorn" else _granian_options()
    command = [sys.executable, "-m", settings.SERVER, *options, *sys.argv[1:]]
    os.execv(sys.executable, command)  # noqa: S606  no shell


def _use_batch_scheduling() -> None:
    """Set the scheduling policy SCHED_BATCH where the system has it.

    Two threads of Granian wake each other for each request. Under SCHED_BATCH a thread that is woken does not interrupt
    the running one, so that on a busy core many requests are handed over at a time.
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):  # where the policy is forbidden, requests only cost more
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _granian_options() -> list[str]:
    """Return Granian's options; it accepts connections outside of the event loop, so uvloop delays none of them."""
    options = {
        "interface": "asginl",
        "host": settings.HOST,
        "port": settings.PORT,
        "workers": gunicorn_config.workers,
        "workers-kill-timeout": gunicorn_config.graceful_timeout,
        "backlog": gunicorn_config.backlog,
        "backpressure": gunicorn_config.worker_connections,
        "http": "1",
        "http1-buffer-size": MAX_HEAD_BYTES,
        "http1-header-read-timeout": GRANIAN_IDLE_S * 1_000,
        "loop": "uvloop",
        "runtime-mode": "st",
        "log-level": gunicorn_config.loglevel,
    }
    pairs = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return [*pairs, "--no-ws", "--respawn-failed-workers", "config.asgi:application"]


if __name__ == "__main__":
    main()

"""The main process of one generation: `python -m serving.server_process` becomes gunicorn or Granian.

Started by the supervisor, so that each generation imports settings and libraries afresh.
"""

import contextlib
import os
import sys

from serving import gunicorn_config, lifecycle

settings = gunicorn_config.settings


def main() -> None:
    """Replace this process by the server; arguments of the command line are passed on and take precedence."""
    if settings.SERVER == "granian":
        _use_batch_scheduling()
        command = ["serving.granian_server", *_granian_options(), *sys.argv[1:]]
    else:
        inherited = [part for fd in lifecycle.listening_fds() for part in ("--bind", f"fd://{fd}")]
        command = ["gunicorn", "-c", "python:serving.gunicorn_config", *inherited, *sys.argv[1:]]
    os.execv(sys.executable, [sys.executable, "-m", *command])  # noqa: S606  no shell


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
        "workers": gunicorn_config.workers,
        "workers-kill-timeout": gunicorn_config.RUNNING_REQUESTS_S,
        "backpressure": gunicorn_config.worker_connections,
        "http": "1",
        "loop": "uvloop",
        "runtime-mode": "st",
        "log-level": gunicorn_config.loglevel,
    }
    pairs = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return [*pairs, "--no-ws", "--respawn-failed-workers", "serving.workers.granian_application:application"]


if __name__ == "__main__":
    main()

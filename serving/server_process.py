"""The main process of one generation: `python -m serving.server_process` becomes gunicorn or Granian.

Started by the supervisor, so that each generation imports settings and libraries afresh.
"""

import contextlib
import fcntl
import os
import sys

from serving import gunicorn_config, lifecycle
from serving.requests.limits import MAX_HEAD_BYTES

# Granian closes a connection whose next request has not come by then, be it idle or slow. It cannot close idle ones for
# newcomers, so this also bounds how long those wait.
GRANIAN_IDLE_S = 15
FIRST_SYSTEMD_FD = 3  # sd_listen_fds(3)
settings = gunicorn_config.settings


def main() -> None:
    """Replace this process by the server; arguments of the command line are passed on and take precedence."""
    if settings.SERVER == "granian":
        _use_batch_scheduling()
        # Settings of jemalloc, https://jemalloc.net/jemalloc.3.html, by the variable of Granian's build of it: memory
        # that many slow clients needed for a moment goes back to the system.
        os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:1,dirty_decay_ms:0,muzzy_decay_ms:0")
        command = ["serving.granian_server", *_granian_options(), *sys.argv[1:]]
    else:
        _pass_on_as_systemd()
        command = ["gunicorn", "-c", "python:serving.gunicorn_config", *sys.argv[1:]]
    os.execv(sys.executable, [sys.executable, "-m", *command])  # noqa: S606  no shell


def _pass_on_as_systemd() -> None:
    """Pass the listening sockets as systemd does, from descriptor 3 on.

    When gunicorn ends, it would remove the path of a Unix socket that it was given by the option --bind.
    """
    inherited = [fd for fd in (lifecycle.channel_fd(), *lifecycle.listening_fds()) if fd is not None]
    free = FIRST_SYSTEMD_FD + len(inherited)
    channel, *listening = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, free) for fd in inherited)
    for fd in inherited:
        os.close(fd)
    for number, fd in enumerate(listening, FIRST_SYSTEMD_FD):
        os.dup2(fd, number)
    os.set_inheritable(channel, True)
    os.environ[lifecycle.CHANNEL] = lifecycle.variable(channel)
    os.environ |= {"LISTEN_FDS": str(len(listening)), "LISTEN_PID": str(os.getpid())}


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
        "http1-buffer-size": MAX_HEAD_BYTES,
        "http1-header-read-timeout": GRANIAN_IDLE_S * 1_000,
        "loop": "uvloop",
        "runtime-mode": "st",
        "log-level": gunicorn_config.loglevel,
    }
    pairs = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return [*pairs, "--no-ws", "--respawn-failed-workers", "serving.workers.granian_application:application"]


if __name__ == "__main__":
    main()

"""gunicorn's settings: `gunicorn -c python:config.gunicorn` serves config.asgi.

Threads alone, without the event loop and the hot lane: `gunicorn -c python:config.gunicorn -k gthread config.wsgi`.
"""

import os
from typing import Any

# A wrong environment ends here, in the master, with its sentence; a worker would be started over and over.
from config import cores, environment, settings

wsgi_app = "config.asgi"
_host = "127.0.0.1" if settings.DEBUG else "0.0.0.0"  # noqa: S104  a container's own network
bind = f"{_host}:{environment.number('PORT', default=8000, low=1, high=65535)}"
backlog = 2048
workers = environment.number("WEB_WORKERS", default=2, low=1, high=256)
worker_class = "config.worker.Worker"
threads = settings.WEB_THREADS
worker_connections = 2000
keepalive = 30
secure_scheme_headers: dict[str, str] = {}  # whether a request came by HTTPS is for Django's settings to say
timeout = 30
graceful_timeout = 20
preload_app = True
_memory = "/dev/shm"  # noqa: S108  heartbeats must not wait for a disk
worker_tmp_dir = _memory if os.access(_memory, os.W_OK | os.X_OK) else None
control_socket_disable = True
errorlog = "-"
accesslog = None
loglevel = "warning" if settings.DEBUG else "info"


_cores = cores.Cores(cores.available())


def pre_fork(arbiter: Any, worker: Any) -> None:
    worker.core = _cores.allot(arbiter.cfg.workers)


def post_fork(_arbiter: Any, worker: Any) -> None:
    if worker.core is not None:
        cores.keep_to(worker.core)


def child_exit(_arbiter: Any, worker: Any) -> None:
    if worker.core is not None:
        _cores.free(worker.core)
    if hasattr(worker, "gone"):  # gthread has no such thing
        worker.gone()

"""Settings of gunicorn: `gunicorn -c python:serving.gunicorn_config` serves config.asgi.

Threads alone, without an event loop: `gunicorn -c python:serving.gunicorn_config -k
serving.workers.thread_worker.ThreadWorker config.wsgi`.
"""

import os
from importlib import import_module
from typing import Any

from serving import lifecycle
from serving.parent_death import end_with_parent
from serving.requests.limits import MAX_HEAD_BYTES, MAX_HEADERS
from serving.workers import cores, descriptors

RUNNING_REQUESTS_S = 20  # time for running requests, after the connections have drained

# The settings module checks the libraries and the environment, before anything else is imported. An error ends the
# master here with one sentence; if a worker failed, gunicorn would start it again and again.
settings: Any = import_module(os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings"))

wsgi_app = "config.asgi"
bind = f"{settings.HOST}:{settings.PORT}"
backlog = 2048
workers = settings.WEB_WORKERS
worker_class = "serving.workers.gunicorn_worker.Worker"
threads = settings.WEB_THREADS
worker_connections = descriptors.max_connections()
limit_request_fields = MAX_HEADERS
limit_request_line = 8190  # the most that gunicorn accepts, more than MAX_TARGET_BYTES
limit_request_field_size = MAX_HEAD_BYTES
forwarder_headers = ""  # no header becomes SCRIPT_NAME, PATH_INFO or REMOTE_USER
keepalive = 30
sendfile = False  # it would let a thread wait for its client
secure_scheme_headers: dict[str, str] = {}  # Django's settings decide whether a request came by HTTPS
timeout = 30
graceful_timeout = settings.WEB_DRAIN_S + RUNNING_REQUESTS_S
preload_app = True
_memory = "/dev/shm"  # noqa: S108  heartbeats must not wait for a disk
worker_tmp_dir = _memory if os.access(_memory, os.W_OK | os.X_OK) else None
control_socket_disable = True
errorlog = "-"
accesslog = None
logger_class = "serving.workers.server_log.ServerLog"
loglevel = "warning" if settings.DEBUG else "info"


_cores = cores.Cores(cores.available())


def pre_fork(arbiter: Any, worker: Any) -> None:
    """Allocate a core to a worker that is about to start; called by gunicorn in the master."""
    worker.core = _cores.allocate(arbiter.cfg.workers)


def prepare() -> None:
    """Call the function that the setting BEFORE_SERVING names, in the main process; it may end that with a sentence."""
    module, _, name = settings.BEFORE_SERVING.rpartition(".")
    getattr(import_module(module), name)()


def when_ready(arbiter: Any) -> None:
    """Tell the supervisor, if any, how many workers are about to start; called by gunicorn in the master."""
    prepare()
    lifecycle.expect_workers(arbiter.num_workers)


def post_worker_init(worker: Any) -> None:
    """Tell the supervisor, if any, that a worker has loaded the application; called by gunicorn in the worker."""
    if worker.__class__.__name__ == "ThreadWorker":  # it closes its sockets last, and lets new clients wait
        lifecycle.call_at_end(lambda: lifecycle.stop_accepting(sock.fileno() for sock in worker.sockets))
    lifecycle.report_ready()


def post_fork(_arbiter: Any, worker: Any) -> None:
    """Let a new worker end with the master, and pin it to its core, if any; called by gunicorn in the worker."""
    end_with_parent()
    if worker.core is not None:
        cores.pin_process(worker.core)


def child_exit(_arbiter: Any, worker: Any) -> None:
    """Release the core and the share of connections of a worker that has ended; called by gunicorn in the master."""
    if worker.core is not None:
        _cores.release(worker.core)
    if hasattr(worker, "release_share"):  # workers of gthread have no share
        worker.release_share()

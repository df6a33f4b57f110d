"""Granian on the supervisor's listening sockets: `python -m serving.granian_server` with the options of `granian`.

By itself Granian gives each worker a listening socket of its own, with SO_REUSEPORT; the connections that wait in its
queue are reset when the worker ends. Here the supervisor owns these sockets, and the next worker inherits the queue.
"""

import multiprocessing
import os
import time
from importlib import import_module
from typing import Any

from granian.server.mp import MPServer

from serving import gunicorn_config, lifecycle

FIRST_REQUEST_S = 0.5  # time for clients that have just connected to send a request, before the workers end

# The types of these do not allow what is done here.
cli: Any = import_module("granian.cli")
net: Any = import_module("granian.net")
settings: Any = import_module(os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings"))


class Server(MPServer):
    """Granian's server, except that it inherits its socket, and gives workers time to drain before it ends them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "log_dictconfig": options["log_dictconfig"] or settings.LOGGING})

    def _init_shared_socket(self) -> None:
        self._inherited = lifecycle.listening_fds()
        self.workers = len(self._inherited)
        lifecycle.expect_workers(self.workers)
        self._ssp: Any = None
        self._sso: Any = None
        self._shd: Any = None

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:  # type: ignore[override]
        self._shd = net.SocketHolder(self._inherited[idx], False, self.backlog)
        return super()._spawn_worker(idx, target, callback_loader)

    def shutdown(self, exit_code: int = 0) -> None:
        """Wait while the workers drain, unless they failed; then end them."""
        for descriptor in self._inherited:
            os.close(descriptor)
        if self.interrupt_signal:
            time.sleep(FIRST_REQUEST_S + (0 if lifecycle.is_abandoned() else settings.WEB_DRAIN_S))
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]


def main() -> None:
    """Load the application, which the workers inherit, and run Granian's command line with this server."""
    import_module("config.asgi")
    gunicorn_config.prepare()
    multiprocessing.set_start_method("fork")  # so that workers inherit the file descriptors
    cli.Server = Server
    cli.entrypoint()


if __name__ == "__main__":
    main()

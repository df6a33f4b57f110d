"""The application as Granian's workers load it: config.asgi, and the draining before the worker ends.

Granian closes idle connections as soon as a worker is told to end. So the supervisor tells the worker before: from then
on each answer says `connection: close`, so that clients leave by themselves.
"""

import os
import socket
import threading
import time
from functools import partial
from importlib import import_module
from typing import Any

from django.conf import settings

from serving import lifecycle

CLOSE = (b"connection", b"close")


class DrainingApplication:
    """An ASGI application that closes the connection with each answer, once `is_draining` is set."""

    is_draining = False

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return self._application(scope, receive, partial(_send_last, send) if self.is_draining else send)


def _send_last(send: Any, message: dict[str, Any]) -> Any:
    if message["type"] == "http.response.start":
        message = {**message, "headers": [*message["headers"], CLOSE]}
    return send(message)


def _drain_at_end(application: DrainingApplication) -> None:
    lifecycle.wait_for_end()
    application.is_draining = True
    if lifecycle.is_stopping():
        time.sleep(settings.WEB_DRAIN_S)
    _stop_accepting()


def _stop_accepting() -> None:
    """Replace the listening socket, under its descriptor, by one to which nobody connects.

    Granian cannot be told to stop accepting without closing idle connections as well.
    """
    with socket.create_server(("127.0.0.1", 0)) as unknown:
        unknown.setblocking(False)
        for fd in lifecycle.listening_fds():
            os.dup2(unknown.fileno(), fd)


application = DrainingApplication(import_module("config.asgi").application)
threading.Thread(target=_drain_at_end, args=(application,), daemon=True).start()
lifecycle.report_ready()

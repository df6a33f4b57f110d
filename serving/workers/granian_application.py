"""The application as Granian's workers load it: config.asgi, and the draining before the worker ends.

Granian closes idle connections as soon as a worker is told to end. So the supervisor tells the worker before: from then
on each answer says `connection: close`, so that clients leave by themselves.
"""

import time
from functools import partial
from importlib import import_module
from typing import Any

from django.conf import settings

from serving import lifecycle
from serving.parent_death import end_with_parent

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


def _drain() -> None:
    application.is_draining = True
    if lifecycle.is_stopping():  # new clients are answered until their load balancer has noticed
        time.sleep(settings.WEB_DRAIN_S)
    lifecycle.stop_accepting(lifecycle.listening_fds())


end_with_parent()
application = DrainingApplication(import_module("config.asgi").application)
lifecycle.call_at_end(_drain)
lifecycle.report_ready()

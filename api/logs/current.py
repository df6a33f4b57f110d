"""The request that a thread or task answers at the moment, and what log lines tell of it."""

import logging
import re
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

from django.core.signals import request_finished
from django.http import HttpRequest
from django.utils.functional import LazyObject

from api import request_ids
from api.logs.redaction import sent_in

BEGAN = "hotpath.began_s"
"""Under this name the WSGI environ has the time.perf_counter() at which the request had come."""
_PARAMETER = re.compile(r"<(?:\w+:)?(?:\w+_)?(\w+)>")


class LoggedRequest:
    """A request as log lines tell of it."""

    request_id: str
    method: str
    route: str | None
    """The pattern of the path, such as /api/v1/users/{id}; None if there is none."""
    began_s: float
    """The time.perf_counter() at which the request had come."""

    def caller(self) -> int | None:
        """Return the id of the user who was admitted, None if there is none or it is not known yet."""
        return None

    def sent(self) -> Iterable[str]:
        """Return the values that the client has sent, but for the path."""
        return ()


class DjangoRequest(LoggedRequest):
    """A request that Django answers."""

    def __init__(self, request_id: str, request: HttpRequest) -> None:
        self.request_id, self.method, self._request = request_id, request.method or "", request
        self.began_s = request.META.get(BEGAN) or time.perf_counter()

    @property
    def route(self) -> str | None:  # type: ignore[override]
        match = self._request.resolver_match
        return None if match is None else "/" + _PARAMETER.sub(r"{\1}", match.route)

    def caller(self) -> int | None:
        known: dict[str, Any] = vars(self._request)  # request.user may query the database
        user = known.get("_cached_user", known.get("user"))
        return None if isinstance(user, LazyObject) else getattr(user, "pk", None)

    def sent(self) -> Iterable[str]:
        return sent_in(self._request)


class ViewRequest(LoggedRequest):
    """A request to an address without parameters that is answered in the event loop, such as a probe."""

    def __init__(self, request_id: str, environ: dict[str, Any]) -> None:
        self.request_id, self.method, self.route = request_id, environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.began_s = environ[BEGAN]


_current: ContextVar[LoggedRequest | None] = ContextVar("logged_request", default=None)


def set_current(request: LoggedRequest | None) -> None:
    """Let the log lines of this thread or task tell of a request, until another one is set; None for no request."""
    _current.set(request)


def _forget(**_: object) -> None:
    _current.set(None)


request_finished.connect(_forget)  # so that a thread that waits for work keeps no request in memory


class RequestFields(logging.Filter):
    """A filter that gives each record the request that it tells of, as `logged_request`, and `request_id`.

    The request is that of this thread or task, unless the record was given one. Outside of requests these are None
    and "-".
    """

    def filter(self, record: logging.LogRecord) -> bool:
        fields = record.__dict__
        request = fields.setdefault("logged_request", _current.get())
        fields.setdefault("request_id", request_ids.NONE if request is None else request.request_id)
        return True

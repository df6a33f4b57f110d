"""Middleware that fails in the way that the header X-Fault names, with errors that quote all that was sent."""

import json
import logging
import os
import threading
import time
import warnings
from typing import Any

from django.db import OperationalError

from users.reads import OneUser


def _quote(sent: str) -> None:
    raise RuntimeError(sent)


def _chain(sent: str) -> None:
    try:
        raise ValueError(sent)
    except ValueError as error:
        raise KeyError(sent) from error


def _database(sent: str) -> None:
    raise OperationalError(1366, f"Incorrect string value: {sent!r}")


def _thread(sent: str) -> None:
    thread = threading.Thread(target=_lines, args=[sent], name="a thread")
    thread.start()
    thread.join()


def _lines(sent: str) -> None:
    raise RuntimeError("one\ntwo \\ \x1b[31m \u2028 \u202e\r three")


def _warn(sent: str) -> None:
    warnings.warn("Out of date\nin two lines", stacklevel=1)


def _message(sent: str) -> None:
    logging.getLogger("a.room").error("It failed: %s", RuntimeError(sent))


def _hang(sent: str) -> None:
    time.sleep(60)


FAULTS = {each.__name__[1:]: each for each in (_quote, _chain, _database, _thread, _lines, _warn, _message, _hang)}


class Faults:
    """Fails before the view is called."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        if "FAULTY_LANE" in os.environ:
            OneUser.document = _fail  # type: ignore[method-assign]

    def __call__(self, request: Any) -> Any:
        return self.get_response(request)

    def process_view(self, request: Any, *_: Any) -> None:
        if fault := FAULTS.get(request.headers.get("X-Fault", "")):
            body = json.loads(request.body) if request.content_type == "application/json" else request.POST.dict()
            fault(f"{body} {request.body!r} {request.META['QUERY_STRING']} {request.headers} {request.GET.dict()}")


def _fail(self: OneUser) -> None:
    raise RuntimeError("The document cannot be made")

"""Filters for log lines that strangers can cause in any number: limited in rate and in length."""

import logging
import re
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings

LONGEST_HOST, LONGEST_TEXT = 100, 300
INVALID_REQUEST = "Invalid request from ip="  # of gunicorn
_QUERY = re.compile(r"\?\S*")


def quoted(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text that a stranger has sent, cut and quoted, so that it cannot end the line or steer a terminal."""
    return ascii(text[:longest]) + ("…" if len(text) > longest else "")


@dataclass(slots=True)
class _Window:
    began_s: float
    passed: int = 0
    left_out: int = 0


class RateLimit(logging.Filter):
    """A filter that passes at most `lines` records of each logger in `per_s` seconds, in each process.

    The next record that passes says how many were left out.
    """

    def __init__(self, lines: int, per_s: float) -> None:
        super().__init__()
        self._lines, self._per_s = lines, per_s
        self._windows: dict[str, _Window] = {}  # by logger, of which there are few
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        left_out = self._count(record.name)
        if left_out is None:
            return False
        text = self.text_of(record)
        record.msg, record.args = f"{text} ({left_out} more were left out)" if left_out else text, ()
        return True

    def text_of(self, record: logging.LogRecord) -> str:
        """Return the text of the line."""
        return record.getMessage()

    def _count(self, logger: str) -> int | None:
        """Return the number of records that were left out before this one; None if this one is left out too."""
        now_s = time.monotonic()
        with self._lock:
            window = self._windows.setdefault(logger, _Window(now_s))
            if now_s - window.began_s >= self._per_s:
                window.began_s, window.passed = now_s, 0
            if window.passed >= self._lines:
                window.left_out += 1
                return None
            window.passed += 1
            left_out, window.left_out = window.left_out, 0
            return left_out


class RefusedRequests(RateLimit):
    """The filter of Django's security log: a limited line without a traceback for each request that was refused."""

    def text_of(self, record: logging.LogRecord) -> str:
        record.exc_info = record.exc_text = None
        request: Any = getattr(record, "request", None)
        if record.name != "django.security.DisallowedHost" or request is None:
            return quoted(record.getMessage())
        host = quoted(request.META.get("HTTP_HOST", ""), LONGEST_HOST)
        allowed = ",".join(settings.ALLOWED_HOSTS)
        return f"A request for the host {host} was refused: ALLOWED_HOSTS is {allowed}."


class ServerErrors(RateLimit):
    """The filter of the HTTP servers' own logs: without the queries and headers that clients have sent."""

    def text_of(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if text.startswith(INVALID_REQUEST):
            return text[: text.find(":", len(INVALID_REQUEST))]
        return _QUERY.sub("?…", text)


class ExplainedAnswers(logging.Filter):
    """The filter of Django's log of requests: drops answers 503, as what is away is logged where it was noticed."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 503

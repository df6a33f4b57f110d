"""The two formats of log lines, by the setting LOG_FORMAT: one record is one line in both.

What clients have sent is removed from errors, as these quote it; what is not printable is escaped.
"""

import logging
import time
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter as BaseJsonFormatter

from api.logs.current import LoggedRequest
from api.logs.redaction import without


def printable(text: str) -> str:
    """Return the text with backslashes, and all that is not printable, as in Python's literals: `\\n`, `\\x1b`."""
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(
        each if each.isprintable() and each != "\\" else each.encode("unicode_escape").decode() for each in text
    )


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record tells of its request: method, route, status, caller and duration; {} outside of requests."""
    request: LoggedRequest | None = getattr(record, "logged_request", None)
    if request is None:
        return {}
    return {
        "method": request.method,
        "route": request.route,
        "status": getattr(record, "status", getattr(record, "status_code", None)),
        "caller": request.caller(),
        "duration_ms": round((time.perf_counter() - request.began_s) * 1000, 1),
    }


def message_of(record: logging.LogRecord) -> str:
    """Return a record's message, in which the texts of errors lack what the client has sent."""
    if isinstance(record.args, tuple) and any(isinstance(each, BaseException) for each in record.args):
        args = [_without_sent(str(each), record) if isinstance(each, BaseException) else each for each in record.args]
        return (str(record.msg) % tuple(args)).rstrip()
    return record.getMessage().rstrip()


def _without_sent(text: str, record: logging.LogRecord) -> str:
    request: LoggedRequest | None = getattr(record, "logged_request", None)
    return text if request is None else without(text, request.sent())


def _trace_of(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """Return the traceback, and the stack, that a record has; the empty text if it has neither."""
    parts = [record.stack_info or ""]
    if record.exc_info and record.exc_info[0] is not None:
        parts.append(_without_sent(formatter.formatException(record.exc_info), record))
    return "\n".join(filter(None, parts))


class LineFormatter(logging.Formatter):
    """Formats a record as `time level request-id logger: message | fields of the request | traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        request_id = getattr(record, "request_id", "-")
        begin = f"{self.formatTime(record)} {record.levelname} {request_id} {record.name}: {message_of(record)}"
        fields = " ".join(f"{name}={'-' if value is None else value}" for name, value in fields_of(record).items())
        return printable(" | ".join(filter(None, (begin, fields, _trace_of(self, record)))))


class JsonFormatter(BaseJsonFormatter):
    """Formats a record as a JSON object; members that are not known are left out."""

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        request_id = getattr(record, "request_id", "-")
        log_data.update(
            time=datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            level=record.levelname, logger=record.name, message=message_of(record), process=record.process,
            thread=record.threadName, request_id=None if request_id == "-" else request_id, **fields_of(record),
            exception=_trace_of(logging.Formatter(), record) or None,
        )  # fmt: skip
        for name in [name for name, value in log_data.items() if value is None]:
            del log_data[name]

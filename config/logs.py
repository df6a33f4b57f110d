"""Logging of all programs: what is written where, in the format of LOG_FORMAT, and what nobody catches, too."""

import logging
import logging.config
import sys
import threading
from typing import Any

uncaught = logging.getLogger("uncaught")
FORMATTERS = {"line": "api.logs.formats.LineFormatter", "json": "api.logs.formats.JsonFormatter"}
# Strangers cause what these limit, by logger and process.
LIMITS: dict[str, dict[str, Any]] = {
    "refused_requests": {"()": "api.logs.limits.RefusedRequests", "lines": 1, "per_s": 10},
    "server_errors": {"()": "api.logs.limits.ServerErrors", "lines": 30, "per_s": 10},
    "limited": {"()": "api.logs.limits.RateLimit", "lines": 30, "per_s": 10},
}


def settings(log_format: str) -> dict[str, Any]:
    """Return Django's setting LOGGING: one handler for standard error, and one more for each limit."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"one_line": {"()": FORMATTERS[log_format]}},
        "filters": {
            "request": {"()": "api.logs.current.RequestFields"},
            "explained": {"()": "api.logs.limits.ExplainedAnswers"},
            **LIMITS,
        },
        "handlers": {"stderr": _handler(), **{limit: _handler(limit) for limit in LIMITS}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "django.request": {"level": "ERROR", "filters": ["explained"]},  # 4xx responses are not logged
            "django.security": {"handlers": ["refused_requests"], "propagate": False},
            "requests.access": {"level": "INFO"},
            "requests.slow": {"handlers": ["limited"], "propagate": False},
            "serving.supervisor": {"level": "INFO"},
            "users.login_throttle": {"handlers": ["limited"], "propagate": False},
            # The servers' own; they set their levels themselves.
            "gunicorn.error": {"handlers": ["server_errors"], "propagate": False},
            "uvicorn.error": {"handlers": ["server_errors"], "level": "ERROR", "propagate": False},
            "_granian": {"handlers": ["stderr"], "propagate": False},
        },
    }


def _handler(*limits: str) -> dict[str, Any]:
    return {"class": "logging.StreamHandler", "formatter": "one_line", "filters": ["request", *limits]}


def configure(configuration: dict[str, Any]) -> None:
    """Configure logging, and have warnings and uncaught exceptions logged, also those of threads; LOGGING_CONFIG."""
    logging.config.dictConfig(configuration)
    logging.raiseExceptions = False  # or a faulty call would print its arguments on many lines
    logging.captureWarnings(True)
    sys.excepthook, threading.excepthook, sys.unraisablehook = _in_program, _in_thread, _unraisable


def _in_program(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if sys.stderr.isatty() or not issubclass(kind, Exception):  # such as KeyboardInterrupt
        sys.__excepthook__(kind, error, trace)
    else:
        uncaught.critical("The program ends by an exception.", exc_info=(kind, error, trace))


def _in_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_type is not SystemExit:
        name = failed.thread.name if failed.thread else "unknown"
        info = failed.exc_type, failed.exc_value or failed.exc_type(), failed.exc_traceback
        uncaught.error("The thread %s ended by an exception.", name, exc_info=info)


def _unraisable(failed: Any) -> None:
    error = failed.exc_value or failed.exc_type()
    what = failed.err_msg or "An exception was ignored"
    uncaught.error("%s in %r.", what, failed.object, exc_info=(failed.exc_type, error, failed.exc_traceback))

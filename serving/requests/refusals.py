"""Answers to requests that never reach Django, as problem documents like those of the API."""

from http import HTTPStatus

import msgspec

from api import codes
from serving.requests.limits import RETRY_AFTER_S


class Refusal(Exception):
    """A request is answered with an error status, and its connection is closed."""

    def __init__(self, status: int, code: str, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        codes.require(status, code)
        self.status = status
        self.phrase = HTTPStatus(status).phrase
        problem = {"type": "about:blank", "title": self.phrase, "status": status, "detail": detail, "code": code}
        self.body = msgspec.json.encode(problem)
        self.headers = [
            ("content-type", "application/problem+json"),
            ("content-length", str(len(self.body))),
            *([("retry-after", str(retry_after_s))] if retry_after_s is not None else []),
        ]

    def headers_for(self, request_id: str) -> list[tuple[str, str]]:
        """Return the headers of the response to a request."""
        return [*self.headers, ("x-request-id", request_id)]

    def http1(self, request_id: str) -> bytes:
        """Return the whole response as HTTP/1.1 has it."""
        named = [f"{name}: {value}" for name, value in self.headers_for(request_id)]
        lines = [f"HTTP/1.1 {self.status} {self.phrase}", *named]
        return "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1") + self.body


def bad_request(detail: str) -> Refusal:
    """Return the 400 for a request that is not HTTP as RFC 9112 has it."""
    return Refusal(400, "bad_request", detail)


def length_required() -> Refusal:
    """Return the 411 for a body in chunks."""
    return Refusal(411, "length_required", "Send the body with a Content-Length, not in chunks.")


def target_too_long() -> Refusal:
    """Return the 414 for a request line that is too long."""
    return Refusal(414, "target_too_long", "The target of the request is too long.")


def head_too_large() -> Refusal:
    """Return the 431 for too many headers, or too long ones."""
    return Refusal(431, "head_too_large", "The request has too many headers, or too long ones.")


def request_timeout() -> Refusal:
    """Return the 408 for a request that does not arrive in time."""
    return Refusal(408, "request_timeout", "The request did not arrive in time.")


def internal_error() -> Refusal:
    """Return the 500 for a request whose handler failed."""
    return Refusal(500, "internal_error", "Something went wrong on our side; it has been logged.")


def too_busy() -> Refusal:
    """Return the 503 for a request that had to make way for those of others, while it arrived."""
    return Refusal(503, "too_busy", "Too many requests are being received.", RETRY_AFTER_S)


def overloaded() -> Refusal:
    """Return the 503 for a request that would have to wait for long, because of those before it."""
    return Refusal(503, "too_busy", "Too many requests wait for an answer; nothing was done.", RETRY_AFTER_S)


def overdue() -> Refusal:
    """Return the 503 for a request that was not answered by its deadline."""
    return Refusal(503, "too_busy", "There was no answer in time; what was asked for may be done yet.", RETRY_AFTER_S)

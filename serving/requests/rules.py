"""Rules that a request has to keep on every server.

The servers' parsers differ in what they accept. Where one is more lenient than the others, the rules here refuse the
request as the strictest of them does.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from api import request_ids
from serving.requests.limits import MAX_HEAD_BYTES, MAX_HEADERS, MAX_TARGET_BYTES
from serving.requests.refusals import Refusal, bad_request, head_too_large, length_required, target_too_long

Environ = dict[str, Any]

_METHOD = re.compile("[A-Z][A-Z-]{2,19}")
_TARGET = re.compile(r"[!#-;=?-_a-~]*")  # printable ASCII without "<>`
_ABSOLUTE_TARGET = re.compile("https?://([^/?#@]+)(?:[/?].*)?", re.IGNORECASE)
_LENGTH = re.compile("[0-9]{1,18}")


def check(environ: Environ) -> None:
    """Raise Refusal if a request breaks a rule of RFC 9110 or RFC 9112.

    `RAW_URI` is the request's target as it was sent. If it names a host, HTTP_HOST is set to that (RFC 9112, 3.2.2).
    """
    if environ["SERVER_PROTOCOL"] not in {"HTTP/1.0", "HTTP/1.1"}:
        raise bad_request("The version of HTTP is not supported.")
    if not _METHOD.fullmatch(environ["REQUEST_METHOD"]) or environ["REQUEST_METHOD"] == "CONNECT":
        raise bad_request("The method is not supported.")
    if not environ.get("HTTP_HOST") and environ["SERVER_PROTOCOL"] == "HTTP/1.1":
        raise bad_request("The request has no Host header.")
    environ.setdefault("HTTP_HOST", "")  # Django would take the server's own name instead, which servers tell apart
    _check_target(environ)
    _check_body(environ)


def _check_target(environ: Environ) -> None:
    target: str = environ["RAW_URI"]
    if len(target) > MAX_TARGET_BYTES:
        raise target_too_long()
    if not _TARGET.fullmatch(target):
        raise bad_request("The target of the request has characters that a URI cannot have.")
    if target.startswith("/") or (target == "*" and environ["REQUEST_METHOD"] == "OPTIONS"):
        return
    absolute = _ABSOLUTE_TARGET.fullmatch(target)
    if absolute is None:
        raise bad_request("The target of the request is not a path.")
    environ["HTTP_HOST"] = absolute[1]


def _check_body(environ: Environ) -> None:
    if environ.get("HTTP_EXPECT", "100-continue").lower() != "100-continue":
        raise Refusal(417, "expectation_failed", "The expectation is not supported.")
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise length_required()  # under WSGI Django treats such a body as empty
    if (length := environ.get("CONTENT_LENGTH")) and not _LENGTH.fullmatch(length):
        raise bad_request("The Content-Length is not a number.")


def check_size(headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Raise Refusal if there are more headers than MAX_HEADERS, or longer ones than MAX_HEAD_BYTES in all."""
    if len(headers) > MAX_HEADERS or sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEAD_BYTES:
        raise head_too_large()


class CheckedRequests:
    """A WSGI application that refuses requests which break a rule, and gives all others to `wsgi`."""

    def __init__(self, wsgi: Callable[..., Iterable[bytes]]) -> None:
        self._wsgi = wsgi

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            check(environ)
        except Refusal as refusal:
            request_id = request_ids.given_or_new(environ.get(request_ids.ENVIRON))
            start_response(f"{refusal.status} {refusal.phrase}", refusal.headers_for(request_id))
            return [refusal.body]
        return self._wsgi(environ, start_response)

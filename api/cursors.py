"""Opaque keyset cursors and the page document.

A cursor holds the sort key of the row where a page ended and the direction, signed for one list: a cursor that was
changed, or taken from another list, is a 400 and never reaches SQL.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from api.problems import bad_input

SIGNATURE_BYTES = 9


class Cursor(NamedTuple):
    backwards: bool
    key: tuple[Any, ...]


def encode(cursor: Cursor, purpose: str) -> str:
    """`purpose` names the list and everything that shapes it, as "users.search:alice"."""
    content = msgspec.msgpack.encode([cursor.backwards, *cursor.key])
    return base64.urlsafe_b64encode(_signature(content, purpose) + content).decode().rstrip("=")


def decode(text: str, purpose: str) -> Cursor:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise _bad_cursor() from None
    signature, content = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
    if not constant_time_compare(signature, _signature(content, purpose)):
        raise _bad_cursor()
    backwards, *key = msgspec.msgpack.decode(content)
    return Cursor(backwards, tuple(key))


def from_request(request: HttpRequest, purpose: str) -> Cursor | None:
    text = request.GET.get("cursor")
    return None if text is None else decode(text, purpose)


def page(
    request: HttpRequest, results: Sequence[Any], *, purpose: str, after: tuple | None, before: tuple | None
) -> dict[str, Any]:
    """{"results", "next", "previous"}; `after`/`before` are the keys the neighbouring pages start from, or None."""
    return {
        "results": results,
        "next": None if after is None else _link(request, encode(Cursor(False, after), purpose)),
        "previous": None if before is None else _link(request, encode(Cursor(True, before), purpose)),
    }


def _link(request: HttpRequest, cursor: str) -> str:
    query = request.GET.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _signature(content: bytes, purpose: str) -> bytes:
    return salted_hmac(f"cursor:{purpose}", content, algorithm="sha256").digest()[:SIGNATURE_BYTES]


def _bad_cursor() -> Exception:
    return bad_input("cursor", "This cursor is not one that the list gave; start again without it.", "bad_cursor")

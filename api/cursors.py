"""Opaque keyset cursors and paged responses.

A cursor holds the direction and the sort key of the row at which a page ended, signed for one list. A cursor that was
changed, or taken from another list, is answered by a 400 and never reaches SQL.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.request import Request

from api.json import json_response
from api.problems import bad_input

SIGNATURE_BYTES = 9


class Cursor(NamedTuple):
    """The position between two pages: the sort key of a row, and the direction in which the page continues."""

    backwards: bool
    key: tuple[Any, ...]


class Page(NamedTuple):
    """The ids of one page; `after` and `before` are the keys of the neighbouring pages, None where there is none."""

    ids: list[int]
    after: tuple[Any, ...] | None
    before: tuple[Any, ...] | None


class Paging:
    """A viewer's request for one page of a list.

    `purpose` names the list and everything that determines its rows, such as "users.search:alice". Raises the 400 of a
    cursor that was not made for this list.
    """

    def __init__(self, request: Request, viewer_id: int, purpose: str) -> None:
        self.request, self.viewer_id, self.purpose = request, viewer_id, purpose
        text = request.GET.get("cursor")
        self.cursor = None if text is None else decode(text, purpose)

    def response(self, results: Sequence[Any], page: Page) -> HttpResponse:
        """Return {"results", "next", "previous"} as JSON, with links to the neighbouring pages."""
        links = {"next": self._link(page.after, False), "previous": self._link(page.before, True)}
        return json_response({"results": results, **links})

    def _link(self, key: tuple[Any, ...] | None, backwards: bool) -> str | None:
        if key is None:
            return None
        query = self.request.GET.copy()
        query["cursor"] = encode(Cursor(backwards, key), self.purpose)
        return self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")


def encode(cursor: Cursor, purpose: str) -> str:
    """Return a cursor as text that is valid for one purpose only."""
    content = msgspec.msgpack.encode([cursor.backwards, *cursor.key])
    return base64.urlsafe_b64encode(_signature(content, purpose) + content).decode().rstrip("=")


def decode(text: str, purpose: str) -> Cursor:
    """Return the cursor that encode() made a text of; raise a 400 for any other text or purpose."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise _bad_cursor() from None
    signature, content = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
    if not constant_time_compare(signature, _signature(content, purpose)):
        raise _bad_cursor()
    backwards, *key = msgspec.msgpack.decode(content)
    return Cursor(backwards, tuple(key))


def _signature(content: bytes, purpose: str) -> bytes:
    return salted_hmac(f"cursor:{purpose}", content, algorithm="sha256").digest()[:SIGNATURE_BYTES]


def _bad_cursor() -> Exception:
    return bad_input("cursor", "This cursor is not one that the list gave; start again without it.", "bad_cursor")

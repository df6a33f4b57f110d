"""Opaque keyset cursors and pages of lists, for views and for the hot lane.

A cursor holds the direction and the sort key of the row at which a page ended, signed for one list. A cursor that was
changed, or taken from another list, is answered by a 400 and never reaches SQL.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import msgspec
from django.conf import settings
from django.http import QueryDict
from django.utils.crypto import constant_time_compare
from django.utils.encoding import iri_to_uri
from django.utils.http import urlencode

from api.problems import bad_input

SIGNATURE_BYTES = 9
PAGE = 20  # rows of a page, unless the list or the request says otherwise
MOST = 100
_LIMIT = re.compile(r"[1-9][0-9]?|100", re.ASCII)


class Cursor(NamedTuple):
    """The position between two pages: the sort key of a row, and the direction in which the page continues."""

    backwards: bool
    key: tuple[Any, ...]


class Page(NamedTuple):
    """The ids of one page; `after` and `before` are the keys of the neighbouring pages, None where there is none.

    `row_ids` are those of the rows that tell of the ids, such as of the likes of users.
    """

    ids: list[int]
    after: tuple[Any, ...] | None
    before: tuple[Any, ...] | None
    row_ids: Sequence[int] = ()


class Location(NamedTuple):
    """The address by which a client asked for a page of a list: a base such as "https://example.org", path and query.

    Base and path are encoded. Addresses of other pages differ from it by their cursor alone.
    """

    base: str
    path: str
    query: QueryDict

    @classmethod
    def of(cls, request: Any) -> Self:
        """Return the location of a request of Django or of DRF."""
        return cls(request.build_absolute_uri("/")[:-1], iri_to_uri(request.path), request.GET)

    def with_cursor(self, cursor: str) -> str:
        """Return the absolute address of the page at a cursor."""
        others = urlencode({**dict(self.query.lists()), "cursor": cursor}, doseq=True) if self.query else ""
        return f"{self.base}{self.path}?{others or f'cursor={cursor}'}"


class Paging:
    """A viewer's request for one page of a list, of `limit` rows, beginning at `cursor` if there is one.

    `purpose` names the list and everything that determines its rows, such as "users.search:alice". `size` is the number
    of rows of a page without `?limit=`. Raises the 400 of a cursor that was not made for this list, and of a bad limit.
    """

    def __init__(self, location: Location, viewer_id: int, purpose: str, *, size: int = PAGE) -> None:
        self._location, self.viewer_id, self.purpose = location, viewer_id, purpose
        self.limit = parse_limit(location.query, default=size)
        text = location.query.get("cursor")
        self.cursor = None if text is None else decode(text, purpose)

    def document(self, results: Sequence[Any], page: Page) -> dict[str, Any]:
        """Return {"results", "next", "previous"}, with links to the neighbouring pages."""
        return {"results": results, "next": self._link(page.after, False), "previous": self._link(page.before, True)}

    def _link(self, key: tuple[Any, ...] | None, backwards: bool) -> str | None:
        return None if key is None else self._location.with_cursor(encode(Cursor(backwards, key), self.purpose))


def parse_limit(query: QueryDict, *, default: int) -> int:
    """Return the rows of a page that `?limit=` asks for; raise the 400 `bad_limit` for none from 1 to MOST."""
    text = query.get("limit")
    if text is None:
        return default
    if not _LIMIT.fullmatch(text):
        raise bad_input("limit", f"A limit is a whole number from 1 to {MOST}.", "bad_limit")
    return int(text)


def encode(cursor: Cursor, purpose: str) -> str:
    """Return a cursor as text that is valid for one purpose only."""
    content = msgspec.msgpack.encode([cursor.backwards, *cursor.key])
    return base64.urlsafe_b64encode(_signature(content, purpose, settings.SECRET_KEY) + content).decode().rstrip("=")


def decode(text: str, purpose: str) -> Cursor:
    """Return the cursor that encode() made a text of; raise a 400 for any other text or purpose."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise _bad_cursor() from None
    signature, content = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(constant_time_compare(signature, _signature(content, purpose, key)) for key in keys):
        raise _bad_cursor()
    backwards, *key = msgspec.msgpack.decode(content)  # a list whose keys change their form needs another purpose
    return Cursor(backwards, tuple(key))


def _signature(content: bytes, purpose: str, key: str) -> bytes:
    # As Django's salted_hmac() with sha256, in half of its time: most pages have a cursor.
    derived = hashlib.sha256(f"cursor:{purpose}{key}".encode()).digest()
    return hmac.digest(derived, content, "sha256")[:SIGNATURE_BYTES]


def _bad_cursor() -> Exception:
    return bad_input("cursor", "This cursor is not one that the list gave; start again without it.", "bad_cursor")

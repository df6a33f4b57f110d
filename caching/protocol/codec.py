"""How values are written into entries: MessagePack behind a prefix that names the shape.

Nothing in an entry is executable. The prefix is a fingerprint of the shape (of a row: the names and types of its
columns), so that two versions of the code that run side by side during a deployment never read each other's entries,
while both use the one key.
"""

import hashlib
import operator
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from itertools import starmap
from typing import Any, Generic, TypeVar

import msgspec
from django.conf import settings
from msgspec.structs import astuple

from ..cacheable import Cacheable
from ..columns import cached_fields, type_of

T = TypeVar("T")

VERSION = 1
NOTHING = b"N"
LIVE, NOT_LIVE = b"+", b"-"
FINGERPRINT_BYTES = 8
UNREADABLE = (msgspec.MsgspecError, OverflowError, RecursionError)


class Stale(Exception):
    """An entry that this code cannot use: corrupt, or another version's. It counts as a miss and is replaced."""


class Framed(Generic[T]):
    """Entries of one shape: `prefix`, then the MessagePack of a value of type `kind`; anything else is Stale."""

    def __init__(
        self,
        shape: Sequence[Any],
        kind: Any,
        *,
        nothing: bool = False,
        fingerprint_bytes: int = FINGERPRINT_BYTES,
        mark_bytes: int = 0,
    ) -> None:
        """`shape`: all that the meaning of a value depends on; `nothing`: some entries say that there is no value;
        `mark_bytes`: the length of the mark that stands between the prefix and each value."""
        self._nothing = NOTHING if nothing else None
        self.prefix = b"V" + fingerprint(shape)[:fingerprint_bytes]
        self._start = len(self.prefix) + mark_bytes
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode: Callable[[bytes], T] = msgspec.msgpack.Decoder(kind).decode

    def encode(self, value: Any, mark: bytes = b"") -> bytes:
        """Return the entry; raises OverflowError, RecursionError, TypeError, ValueError for what it cannot hold."""
        return self.prefix + mark + self._encode(value)

    def decode(self, identity: Any, entry: bytes) -> Any:
        """Return the value, a `T` or None; raises Stale. A source may use it as its own `decode`."""
        if entry.startswith(self.prefix):
            try:
                return self._decode(entry[self._start :])
            except UNREADABLE as error:
                raise Stale from error
        if entry == self._nothing:
            return None
        raise Stale

    def decode_all(self, identities: Iterable[Any], entries: Sequence[bytes]) -> list[Any]:
        """Return the values of entries, without a call of decode() for each; raises Stale."""
        prefix, start, decode = self.prefix, self._start, self._decode
        try:
            values: list[Any] = [decode(entry[start:]) for entry in entries if entry.startswith(prefix)]
        except UNREADABLE as error:
            raise Stale from error
        if len(values) < len(entries):
            return [self.decode(identity, entry) for identity, entry in zip(identities, entries, strict=True)]
        return values


class RowCodec:
    """How the rows of one model are written.

    `columns` are attribute names (foreign keys as `author_id`) in the order of the model. A row is an immutable struct
    (`row_type`) with an attribute for each column.
    """

    def __init__(self, model: type[Cacheable]) -> None:
        fields = cached_fields(model)
        self.columns: tuple[str, ...] = tuple(field.attname for field in fields)
        self.names: frozenset[str] = frozenset(self.columns) | {field.name for field in fields}
        self._kinds: list[Any] = [type_of(field) for field in fields]
        self.times = tuple(each for each, kind in zip(self.columns, self._kinds, strict=True) if kind is datetime)
        kinds = zip(fields, self._kinds, strict=True)
        typed = [(field.attname, kind | None if field.null or field.generated else kind) for field, kind in kinds]
        self.types: dict[str, Any] = dict(typed)
        self.row_type: Any = msgspec.defstruct(f"{model.__name__}Row", typed, array_like=True, frozen=True, gc=False)
        described: list[Any] = [(name, str(kind)) for name, kind in typed]
        described += ["naive"] if self.times and not settings.USE_TZ else []
        self._live = model.cached.live
        described += [("live", self._live)] if self._live else []
        shape = [VERSION, model._meta.label_lower, *described]
        mark_bytes = len(LIVE) if self._live else 0
        self.entry: Framed[Any] = Framed(shape, self.row_type, nothing=True, mark_bytes=mark_bytes)
        self.live_prefix = self.entry.prefix + (LIVE if self._live else b"")

    def is_live(self, row: Any) -> bool:
        """Return whether a row is there for readers, by Cached(live=…)."""
        return self._live is None or bool(getattr(row, self._live))

    def row(self, values: Iterable[Any]) -> Any:
        """Return the row of values that the database gave for `columns`."""
        return self.row_type(*(bytes(each) if type(each) is memoryview else each for each in values))

    def encode(self, row: Any) -> bytes:
        """Return the entry of a row; raises TypeError, and what Framed.encode raises, where a value would not read the
        same from it."""
        values = astuple(row)
        for name, kind, value in zip(self.columns, self._kinds, values, strict=True):
            if type(value) is not kind and value is not None and kind is not object:
                raise TypeError(f"the database gives {name!r} as a {type(value).__name__}")
        return self.entry.encode(values, self._mark(row))

    def _mark(self, row: Any) -> bytes:
        return b"" if self._live is None else LIVE if self.is_live(row) else NOT_LIVE


@cache
def row_codec_of(model: type[Cacheable]) -> RowCodec:
    """Return the codec of a concrete cached model."""
    return RowCodec(model)


@lru_cache(maxsize=256)
def projection(columns: tuple[str, ...]) -> Callable[[Sequence[Any]], list[Any]]:
    """Return a function that turns rows into structs of these columns, which msgspec writes as JSON objects."""
    struct: Any = msgspec.defstruct("Projection", [(column, Any) for column in columns], frozen=True, gc=False)
    read = operator.attrgetter(*columns)
    if len(columns) == 1:
        return lambda rows: list(map(struct, map(read, rows)))
    return lambda rows: list(starmap(struct, map(read, rows)))


def fingerprint(parts: Sequence[Any]) -> bytes:
    """Return 8 bytes that stand for these parts."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=FINGERPRINT_BYTES).digest()

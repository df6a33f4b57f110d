"""How values are written into entries: MessagePack behind a prefix that names the shape.

Nothing in an entry is executable. The prefix is a fingerprint of the shape (of a row: the names and types of its
columns), so that two versions of the code that run side by side during a deployment never read each other's entries,
while both use the one key.
"""

import datetime
import decimal
import hashlib
import operator
import uuid
from collections.abc import Callable, Sequence
from functools import cache
from itertools import starmap
from typing import Any, Generic, TypeVar

import msgspec
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from ..cacheable import Cacheable

T = TypeVar("T")

VERSION = 1
NOTHING = b"N"
FINGERPRINT_BYTES = 8

_TYPES: dict[str, type] = {
    **dict.fromkeys(
        ("AutoField", "BigAutoField", "SmallAutoField", "IntegerField", "BigIntegerField", "SmallIntegerField",
         "PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField"), int
    ),
    **dict.fromkeys(
        ("CharField", "TextField", "SlugField", "FileField", "FilePathField", "GenericIPAddressField"), str
    ),
    "BooleanField": bool,
    "FloatField": float,
    "DecimalField": decimal.Decimal,
    "DateTimeField": datetime.datetime,
    "DateField": datetime.date,
    "TimeField": datetime.time,
    "DurationField": datetime.timedelta,
    "UUIDField": uuid.UUID,
    "BinaryField": bytes,
    "JSONField": object,
}  # fmt: skip


class Stale(Exception):
    """An entry that this code cannot use: corrupt, or another version's. It counts as a miss and is replaced."""


class Framed(Generic[T]):
    """Entries of one shape: `prefix`, then the MessagePack of a value of type `kind`; anything else is Stale."""

    def __init__(
        self, shape: Sequence[Any], kind: Any, *, nothing: bool = False, fingerprint_bytes: int = FINGERPRINT_BYTES
    ) -> None:
        """`shape`: all that the meaning of a value depends on; `nothing`: some entries say that there is no value."""
        self._nothing = NOTHING if nothing else None
        self.prefix = b"V" + fingerprint(shape)[:fingerprint_bytes]
        self._start = len(self.prefix)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode: Callable[[bytes], T] = msgspec.msgpack.Decoder(kind).decode

    def encode(self, value: Any) -> bytes:
        """Return the entry; raises OverflowError, TypeError and ValueError for what MessagePack cannot hold."""
        return self.prefix + self._encode(value)

    def decode(self, identity: Any, entry: bytes) -> Any:
        """Return the value, a `T` or None; raises Stale. A source may use it as its own `decode`."""
        if entry.startswith(self.prefix):
            try:
                return self._decode(entry[self._start :])
            except msgspec.MsgspecError as error:
                raise Stale from error
        if entry == self._nothing:
            return None
        raise Stale


class RowCodec:
    """How the rows of one model are written.

    `columns` are attribute names (foreign keys as `author_id`) in the order of the model. A row is an immutable struct
    (`row_type`) with an attribute for each column.
    """

    def __init__(self, model: type[Cacheable]) -> None:
        never = set(model.cached.never)
        fields = [field for field in model._meta.concrete_fields if not never & {field.name, field.attname}]
        self.columns: tuple[str, ...] = tuple(field.attname for field in fields)
        self.names: frozenset[str] = frozenset(self.columns) | {field.name for field in fields}
        typed = [(field.attname, _type_of(field)) for field in fields]
        self.types: dict[str, Any] = dict(typed)
        self.row_type: Any = msgspec.defstruct(f"{model.__name__}Row", typed, array_like=True, frozen=True, gc=False)
        described = [(name, str(kind)) for name, kind in typed]
        self.entry: Framed[Any] = Framed([VERSION, model._meta.label_lower, *described], self.row_type, nothing=True)


@cache
def row_codec_of(model: type[Cacheable]) -> RowCodec:
    """Return the codec of a concrete cached model."""
    return RowCodec(model)


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


def _type_of(field: "models.Field[Any, Any]") -> Any:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    kind = _TYPES.get(target.get_internal_type())
    if kind is None:
        raise ImproperlyConfigured(
            f"{field}: a {type(target).__name__} cannot be cached; list the column in Cached(never=…)."
        )
    return kind | None if field.null else kind

"""How a row is written into an entry: MessagePack of the column values in order, behind a schema fingerprint.

Nothing in an entry is executable. The fingerprint covers the columns' names and types, so that two versions of the
code that run side by side during a deployment never read each other's rows, while both use the one key.
"""

import datetime
import decimal
import hashlib
import operator
import uuid
from collections.abc import Callable, Sequence
from functools import cache
from itertools import starmap
from typing import TYPE_CHECKING, Any

import msgspec
from django.core.exceptions import ImproperlyConfigured
from django.db import models

if TYPE_CHECKING:
    from caching.managers import CachedModel

VERSION = 1
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


class Codec:
    """Rows of one model: `columns` are the attribute names (foreign keys as `author_id`), in the order of the row."""

    def __init__(self, model: "type[CachedModel]") -> None:
        never = set(model.cached.never)
        fields = [field for field in model._meta.concrete_fields if not never & {field.name, field.attname}]
        self.columns: tuple[str, ...] = tuple(field.attname for field in fields)
        self.names: frozenset[str] = frozenset(self.columns) | {field.name for field in fields}
        typed = [(field.attname, _type_of(field)) for field in fields]
        self.types: dict[str, Any] = dict(typed)
        self.row_type: Any = msgspec.defstruct(f"{model.__name__}Row", typed, array_like=True, frozen=True, gc=False)
        described = [(name, str(kind)) for name, kind in typed]
        self.prefix = b"V" + fingerprint([VERSION, model._meta.label_lower, *described])
        self._encode = msgspec.msgpack.Encoder().encode
        self.unpack: Callable[[bytes], Any] = msgspec.msgpack.Decoder(self.row_type).decode

    def encode(self, values: Sequence[Any]) -> bytes:
        """An entry: `prefix`, and what `unpack` makes a row of: an immutable struct, an attribute for each column."""
        return self.prefix + self._encode(values)


@cache
def codec_of(model: "type[CachedModel]") -> Codec:
    return Codec(model)


def projection(columns: tuple[str, ...]) -> Callable[[Sequence[Any]], list[Any]]:
    """Turns rows into structs of some of their columns, which msgspec writes as JSON objects."""
    struct: Any = msgspec.defstruct("Document", [(column, Any) for column in columns], frozen=True, gc=False)
    read = operator.attrgetter(*columns)
    if len(columns) == 1:
        return lambda rows: list(map(struct, map(read, rows)))
    return lambda rows: list(starmap(struct, map(read, rows)))


def fingerprint(parts: Sequence[Any]) -> bytes:
    return hashlib.blake2b(repr(parts).encode(), digest_size=FINGERPRINT_BYTES).digest()


def _type_of(field: "models.Field[Any, Any]") -> Any:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    kind = _TYPES.get(target.get_internal_type())
    if kind is None:
        raise ImproperlyConfigured(
            f"{field}: a {type(target).__name__} cannot be cached; list the column in Cached(never=…)."
        )
    return kind | None if field.null else kind

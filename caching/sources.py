"""What can stand in the cache, and how each kind is keyed, loaded and written into an entry."""

import hashlib
import logging
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeGuard

import msgspec
from django.db import router

from caching.codec import Stale, codec_of, fingerprint
from caching.conf import conf
from caching.connection import Command
from caching.options import jittered_ms
from caching.registry import family

if TYPE_CHECKING:
    from caching.managers import CachedModel

NOTHING = b"N"

logger = logging.getLogger(__name__)


class Source(Protocol):
    """One kind of entry. Identities (`ident`) are what callers ask by; values are what they get, None for nothing."""

    label: str
    using: str
    probing: bool
    """Whether it is a `Probed` source."""

    def key(self, ident: Any) -> str: ...

    def load(self, idents: Iterable[Any]) -> Mapping[Any, Any]:
        """One SQL query for all of them; absent identities are missing from the answer."""

    def encode(self, ident: Any, value: Any) -> tuple[bytes, int]:
        """The entry and its life in ms; an empty entry stands for a value that cannot be cached."""

    def decode(self, ident: Any, entry: bytes) -> Any:
        """The value, or None for nothing; raises Stale, for b"" too."""


def decoded(source: Source, idents: Iterable[Any], entries: Iterable[bytes]) -> list[Any]:
    """The values of entries; a source that is asked for many at a time may have a cheaper way, `decode_all`."""
    if (decode_all := getattr(source, "decode_all", None)) is not None:
        found: list[Any] = decode_all(idents, entries)
        return found
    decode = source.decode
    return [decode(ident, entry) for ident, entry in zip(idents, entries, strict=True)]


class Probed(Source, Protocol):
    """A source whose entries take commands of their own to be read and filled (id sets)."""

    @staticmethod
    def probe(keys: Sequence[str], ident: Any) -> Command:
        """Reads the entries of several such sources, asked for the same."""

    def fill_command(self, key: str, value: Any, token: str) -> Command: ...

    def look_up(self, idents: Iterable[Any]) -> Mapping[Any, Any]:
        """Like `load`, for values that will not be filled."""


def is_probed(source: Source) -> TypeGuard[Probed]:
    return source.probing


class Rows:
    """Rows of a model by primary key. A value is a struct with an attribute for each cached column."""

    probing = False

    def __init__(self, model: "type[CachedModel]") -> None:
        self.model = model
        self.codec = codec_of(model)
        self._prefix, self._prefix_bytes, self._unpack = self.codec.prefix, len(self.codec.prefix), self.codec.unpack
        self.label = model._meta.label_lower
        self.using = router.db_for_write(model)
        self.pk_column = model._meta.pk.attname
        self._pk_at = self.codec.columns.index(self.pk_column)
        self._to_python = model._meta.pk.to_python
        self._stem = f"{conf().prefix}:{self.label}:"

    def ident(self, pk: Any) -> Any:
        """The one form of a primary key that may be given as text; raises ValidationError."""
        return pk if type(pk) is int else self._to_python(pk)

    def key(self, pk: Any) -> str:
        """`pk` in the form that `ident()` gives it."""
        return f"{self._stem}{pk}"

    def by_key(self, pks: Iterable[Any]) -> dict[str, Any]:
        """{key: pk}, each once, in the order given."""
        stem, pks = self._stem, list(pks)
        if len(pks) == 1 and type(pks[0]) is int:
            return {f"{stem}{pks[0]}": pks[0]}
        if set(map(type, pks)) != {int}:
            pks = list(map(self.ident, pks))
        return {f"{stem}{pk}": pk for pk in pks}

    def pk_of(self, row: Any) -> Any:
        return getattr(row, self.pk_column)

    def load(self, pks: Iterable[Any]) -> dict[Any, Any]:
        rows = self.model._base_manager.using(self.using).filter(pk__in=list(pks))
        return {row[self._pk_at]: self.codec.row_type(*row) for row in rows.values_list(*self.codec.columns)}

    def encode(self, pk: Any, row: Any) -> tuple[bytes, int]:
        options = self.model.cached
        if row is None:
            return NOTHING, jittered_ms(options.negative_ttl_s)
        try:
            return self.codec.encode(msgspec.structs.astuple(row)), jittered_ms(options.ttl_s)
        except (OverflowError, TypeError, ValueError) as error:
            # One such row (JSON with an integer beyond 64 bits) must not take the rest of a batch with it.
            logger.warning("%s %s is read from the database each time, it cannot be cached: %s", self.label, pk, error)
            return b"", 0

    def decode(self, pk: Any, entry: bytes) -> Any:
        # Each row of each request comes through here: one call, one slice.
        if entry.startswith(self._prefix):
            try:
                return self._unpack(entry[self._prefix_bytes :])
            except msgspec.MsgspecError as error:
                raise Stale from error
        if entry == NOTHING:
            return None
        raise Stale


@cache
def rows_of(model: "type[CachedModel]") -> Rows:
    concrete: Any = model._meta.concrete_model
    return Rows(concrete)


class Presence(Rows):
    """Whether rows are there, from the entries that they have. A value is anything but None for a row."""

    def decode(self, pk: Any, entry: bytes) -> Any:
        if entry.startswith(self._prefix):
            return pk
        if entry == NOTHING:
            return None
        raise Stale


@cache
def presence_of(model: "type[CachedModel]") -> Presence:
    return Presence(rows_of(model).model)


class Pointer(NamedTuple):
    """Where a unique lookup leads: the column then read `matched`, which the row must still carry to be believed."""

    asked: Any
    pk: Any
    matched: Any


class Lookup:
    """Primary keys by a unique column.

    The database decides which values are equal (its collation may ignore case), so entries are keyed by a fold that
    is at least as coarse, and each carries the value that was asked. A positive entry is believed only while the row
    it leads to still has the matched value; it is thus the row's own invalidation that frees an old value. Only
    "nothing" must be forbidden by whoever writes a value, and that is what holds on lookups are for.
    """

    probing = False

    def __init__(self, model: "type[CachedModel]", column: str, disproved: Pointer | None = None) -> None:
        self.model = model
        self.column = column
        self.rows = rows_of(model)
        self.label = self.rows.label
        self.using = self.rows.using
        self.disproved = disproved
        self.row: Any = None
        self._stem = f"{conf().prefix}:{self.label}:{column}:"
        self._prefix = b"V" + fingerprint(["lookup", self.label, column])

    def key(self, value: Any) -> str:
        return self._stem + hashlib.blake2b(_fold(value).encode(), digest_size=16).hexdigest()

    def load(self, values: Iterable[Any]) -> dict[Any, Pointer]:
        """As a by-product, `self.row` is the row that was found."""
        (value,) = values
        found = self.model._base_manager.using(self.using).filter(**{self.column: value})
        row = found.values_list(*self.rows.codec.columns).first()
        if row is None:
            return {}
        self.row = self.rows.codec.row_type(*row)
        return {value: Pointer(value, self.rows.pk_of(self.row), getattr(self.row, self.column))}

    def encode(self, ident: Any, value: Pointer | None) -> tuple[bytes, int]:
        options = self.model.cached
        life_s = options.ttl_s if value else options.negative_ttl_s
        return self._prefix + msgspec.msgpack.encode(value or (ident, None, None)), jittered_ms(life_s)

    def decode(self, ident: Any, entry: bytes) -> Pointer | None:
        if not entry.startswith(self._prefix):
            raise Stale
        try:
            pointer = Pointer(*_pointer_decoder(self.model, self.column).decode(entry[len(self._prefix) :]))
        except msgspec.MsgspecError as error:
            raise Stale from error
        if pointer.asked != ident or pointer == self.disproved:
            raise Stale
        return None if pointer.pk is None else pointer


@cache
def _pointer_decoder(model: "type[CachedModel]", column: str) -> msgspec.msgpack.Decoder[tuple[Any, Any, Any]]:
    rows = rows_of(model)
    asked, pk = rows.codec.types[column], rows.codec.types[rows.pk_column]
    return msgspec.msgpack.Decoder(tuple[asked, pk | None, asked | None])  # type: ignore[valid-type]


def _fold(value: Any) -> str:
    decomposed = unicodedata.normalize("NFKD", str(value)).casefold()
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).rstrip()


def row_keys(model: "type[CachedModel]", pks: Iterable[Any]) -> list[str]:
    """The entries that contain columns of these rows, those of multi-table parents and children included."""
    kinds = [rows_of(relative) for relative in family(model)]
    return [rows.key(rows.ident(pk)) for pk in pks for rows in kinds]


def lookup_keys(model: "type[CachedModel]", values: Mapping[str, Any]) -> list[str]:
    """The entries of unique lookups by which these column values could be asked for."""
    keys = []
    for relative in family(model):
        for column in relative.cached.lookups:
            value = values.get(column)
            if value is not None and not hasattr(value, "resolve_expression"):
                field: Any = relative._meta.get_field(column)
                keys.append(Lookup(relative, column).key(field.to_python(value)))
    return keys

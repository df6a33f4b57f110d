"""Entries that lead from a unique column's value to a primary key, and all that a cached model's write holds."""

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from ..cacheable import Cacheable, all_rows
from ..databases import key_prefix
from ..faults import field_of, require
from ..key_columns import KeyColumn, Texts, key_column
from ..options import jittered_ms
from ..protocol.codec import Framed, Stale
from ..registry import Declaration
from .rows import row_keys, rows_of


class Pointer(NamedTuple):
    """Where a unique lookup leads: the column then read `matched`, which the row must still carry to be believed."""

    asked: Any
    pk: Any
    matched: Any


class Lookup:
    """A source: primary keys by a unique column, in one database.

    The database decides which values are equal (its collation may ignore case), so entries are keyed by a fold that
    is at least as coarse, and each carries the value that was asked. A positive entry is believed only while the row
    it leads to still has the matched value; it is thus the row's own invalidation that frees an old value. Only
    "nothing" must be forbidden by the writers of a value, and that is what holds on lookups are for.
    """

    scripted = False
    outlives_runs = False

    def __init__(
        self, model: type[Cacheable], column: str, disproved: Pointer | None = None, using: str | None = None
    ) -> None:
        """`column`: an attribute name; `using`: by default the database that the router names now."""
        self.model = model
        self.column = column
        self.rows = rows_of(model, using)
        self.label = self.rows.label
        self.using = self.rows.using
        self.values = lookup_columns(model, self.using)[column]
        self.disproved = disproved
        self.row: Any = None
        self._entry = _pointer_entry(model, column)

    def key(self, value: Any) -> str:
        """Return the key of the entry of a canonical value."""
        text = self.values.text(value)
        folded = _fold(text) if isinstance(self.values, Texts) else text
        digest = hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return f"{key_prefix(self.using)}{self.label}:{self.column}:{digest}"

    def load(self, values: Iterable[Any]) -> dict[Any, Pointer]:
        """As a by-product, `self.row` is the row that was found."""
        (value,) = values
        if not self.values.may_exist(value):
            return {}
        found = all_rows(self.model, self.using).filter(**{self.column: value})
        row = found.values_list(*self.rows.codec.columns).first()
        if row is None:
            return {}
        self.row = self.rows.codec.row(row)
        return {value: Pointer(value, self.rows.pk_of(self.row), getattr(self.row, self.column))}

    def encode(self, identity: Any, value: Pointer | None) -> tuple[bytes, int]:
        options = self.model.cached
        life_s = options.ttl_s if value else options.negative_ttl_s
        if not life_s:
            return b"", 0
        try:
            return self._entry.encode(value or (identity, None, None)), jittered_ms(life_s)
        except (OverflowError, ValueError):
            return b"", 0  # no value of the column

    def decode(self, identity: Any, entry: bytes) -> Pointer | None:
        pointer = Pointer(*self._entry.decode(identity, entry))
        if pointer.asked != identity or pointer == self.disproved:
            raise Stale
        return None if pointer.pk is None else pointer


@cache
def lookup_columns(model: type[Cacheable], using: str) -> Mapping[str, KeyColumn]:
    """Return the columns of a model's unique lookups, by attribute name; raises ImproperlyConfigured."""
    require(model)
    fields = [field_of(model, name) for name in model.cached.lookups]
    return {field.attname: key_column(field, using) for field in fields}


@cache
def _pointer_entry(model: type[Cacheable], column: str) -> Framed[tuple[Any, Any, Any]]:
    rows = rows_of(model)
    asked, pk = rows.codec.types[column], rows.codec.types[rows.pk_column]
    return Framed(["lookup", rows.label, column], tuple[asked, pk | None, asked | None])  # type: ignore[valid-type]


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).rstrip()


def lookup_keys(model: type[Cacheable], values: Mapping[str, Any], using: str) -> list[str]:
    """Return the keys of the unique lookups by which these column values could be asked for."""
    keys: list[str] = []
    for column, kind in lookup_columns(model, using).items():
        value = values.get(column)
        if value is not None and not hasattr(value, "resolve_expression"):
            lookup = Lookup(model, column, using=using)
            keys += map(lookup.key, kind.written(value))
    return keys


class CachedRows(Declaration):
    """The declaration that every cached model makes: its rows' entries, and its unique lookups."""

    def __init__(self, model: type[Cacheable]) -> None:
        self._model = model

    @property
    def remembers_absence(self) -> bool:
        return self._model.cached.negative_ttl_s > 0

    def concerns(self, columns: Collection[str] | None) -> bool:
        return columns is None or not rows_of(self._model).codec.names.isdisjoint(columns)

    def keys_of_pks(self, pks: Collection[Any], using: str) -> list[str]:
        return row_keys(self._model, pks, using)

    def keys_of(self, instance: Any, using: str, columns: Collection[str] | None = None) -> list[str]:
        return lookup_keys(self._model, _about_to_be_written(self._model, instance, columns), using)

    def key_prefixes(self, using: str) -> list[str]:
        return [f"{key_prefix(using)}{self._model._meta.label_lower}:"]  # those of lookups begin likewise

    def keys_after_update(self, pks: list[Any], using: str, columns: Collection[str]) -> list[str]:
        changed = set(lookup_columns(self._model, using)) & set(columns)
        if not changed:
            return []
        rows = all_rows(self._model, using).filter(pk__in=pks).values(*changed)
        return [key for values in rows for key in lookup_keys(self._model, values, using)]


def _about_to_be_written(model: type[Cacheable], instance: Any, columns: Collection[str] | None) -> Mapping[str, Any]:
    values: dict[str, Any] = instance.__dict__
    if columns is None:
        return values
    fields = [each for each in model._meta.concrete_fields if each.name in columns or each.attname in columns]
    return {field.attname: values[field.attname] for field in fields if field.attname in values}

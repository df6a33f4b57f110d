"""Entries of rows by primary key."""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache, partial
from itertools import compress
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, router
from msgspec.structs import replace

from ..cacheable import Cacheable, all_rows
from ..databases import database_of, key_prefix
from ..faults import require
from ..key_columns import key_column
from ..options import jittered_ms
from ..protocol.codec import NOTHING, Stale, row_codec_of
from .remembered import RememberedRows
from .source import Found, Result

logger = logging.getLogger(__name__)


class Rows:
    """A source: rows of a model in one database, by primary key. A value is a struct with the cached columns."""

    scripted = False
    outlives_runs = False

    def __init__(self, model: type[Cacheable], using: str) -> None:
        require(model)
        self.model, self.using = model, using
        self.codec = row_codec_of(model)
        self.decode = _decoder(self.codec, using)
        is_plain = self.decode == self.codec.entry.decode
        self.decode_all: Any = self.codec.entry.decode_all if is_plain else None
        if model.cached.remembered:
            remembered = RememberedRows(self.decode, self.decode_all, model.cached.remembered)
            self.decode, self.decode_all = remembered.decode, remembered.decode_all
        self.label = model._meta.label_lower
        self.pk_column = model._meta.pk.attname
        self.pk = key_column(model._meta.pk, using)
        self._pk_at = self.codec.columns.index(self.pk_column)
        self._has_integer_keys = self.pk.is_integer
        self._key_end = f"{self.label}:"

    def identity(self, pk: Any) -> Any:
        """Return the one form of a primary key, in whatever spelling it is given; raises ValidationError."""
        return pk if type(pk) is int and self._has_integer_keys else self.pk.canonical(pk)

    def key_prefix(self) -> str:
        """Return what the keys of all rows begin with."""
        return key_prefix(self.using) + self._key_end

    def key(self, pk: Any) -> str:
        """Return the key of a row; `pk` in the form that `identity()` gives it."""
        return self.key_prefix() + self.pk.part(pk)

    def by_key(self, pks: Iterable[Any], prefix: str | None = None) -> dict[str, Any]:
        """Return {key: pk}, each once, in the order given; `prefix`: what key_prefix() has just told."""
        pks, prefix = list(pks), prefix or self.key_prefix()
        if self._has_integer_keys:
            if len(pks) != 1 or type(pks[0]) is not int:
                pks = pks if set(map(type, pks)) == {int} else list(map(self.identity, pks))
            try:
                return {f"{prefix}{pk}": pk for pk in pks}
            except ValueError:  # an integer of thousands of digits
                pass
        part = self.pk.part
        return {prefix + part(pk): pk for pk in map(self.pk.canonical, pks)}

    def unique(self, pks: Collection[Any]) -> list[Any] | None:
        """Return integer primary keys in their one form, each once; None for keys of other types."""
        if not self._has_integer_keys:
            return None
        return [*dict.fromkeys(pks if set(map(type, pks)) <= {int} else map(self.identity, pks))]

    def pk_of(self, row: Any) -> Any:
        """Return the primary key of a row."""
        return getattr(row, self.pk_column)

    def load(self, pks: Iterable[Any]) -> dict[Any, Any]:
        wanted = [pk for pk in pks if self.pk.may_exist(pk)]
        if not wanted:
            return {}
        rows = all_rows(self.model, self.using).values_list(*self.codec.columns)
        found = {row[self._pk_at]: self.codec.row(row) for row in rows.filter(pk__in=wanted)}
        missing = set(wanted) - found.keys()
        if found and missing and not self.pk.is_exact and rows.filter(pk__in=missing).exists():
            # The database knows some of the asked keys by another spelling: which, it is asked one by one.
            for pk in missing:
                for row in rows.filter(pk=pk):
                    found[pk] = self.codec.row(row)
        return found

    def encode(self, pk: Any, row: Any) -> tuple[bytes, int]:
        options = self.model.cached
        if not self.pk.is_exact and (row is None or self.pk_of(row) != pk):
            return b"", 0  # the writer of a row knows no spelling but the row's own
        if row is None:
            return (NOTHING if options.negative_ttl_s else b""), jittered_ms(options.negative_ttl_s)
        try:
            return self.codec.encode(row), jittered_ms(options.ttl_s)
        except (OverflowError, RecursionError, TypeError, ValueError) as error:
            # One such row (JSON with an integer beyond 64 bits) must not take the rest of a batch with it.
            logger.warning("%s %s is read from the database each time, it cannot be cached: %s", self.label, pk, error)
            return b"", 0

    def spellings(self, pks: Iterable[Any]) -> list[Any]:
        """Return the primary keys of stored rows as the database spells them, and those that are asked; for writers."""
        written = {each for pk in pks for each in self.pk.written(pk)}
        if not self.pk.is_exact:
            wanted = [pk for pk in written if self.pk.may_exist(pk)]
            written.update(all_rows(self.model, self.using).filter(pk__in=wanted).values_list("pk", flat=True))
        return list(written)


def _decoder(codec: Any, using: str) -> Callable[[Any, bytes], Any]:
    """Return the function that reads entries; times come in the zone in which the database gives them."""
    zone = connections[using].timezone if settings.USE_TZ else None
    if not codec.times or zone is None or connections[using].timezone_name == "UTC":
        decode: Callable[[Any, bytes], Any] = codec.entry.decode
        return decode
    return partial(_decode_in_zone, codec, zone)


def _decode_in_zone(codec: Any, zone: Any, identity: Any, entry: bytes) -> Any:
    row = codec.entry.decode(identity, entry)
    if row is None:
        return None
    times = {name: getattr(row, name) for name in codec.times}
    return replace(row, **{name: time and time.astimezone(zone) for name, time in times.items()})


def rows_of(model: type[Cacheable], using: str | None = None) -> Rows:
    """Return the source of a model's rows in a database, by default the one that the router names now."""
    return _rows_of(model, using or (database_of(model) if router.routers else DEFAULT_DB_ALIAS))


@cache
def _rows_of(model: type[Cacheable], using: str) -> Rows:
    concrete: Any = model._meta.concrete_model
    return Rows(model, using) if model is concrete else _rows_of(concrete, using)  # proxies share the entries


class Existence(Rows):
    """A source: whether rows exist, told by their entries, and are there for readers by Cached(live=…).

    A value is True or a row, and None for nothing.
    """

    def __init__(self, model: type[Cacheable], using: str) -> None:
        super().__init__(model, using)
        self._prefix, self._any_prefix = self.codec.live_prefix, self.codec.entry.prefix
        self.decode = self._decode
        self.decode_all = None

    def _decode(self, identity: Any, entry: bytes) -> Any:
        if entry.startswith(self._prefix):
            return True
        if entry == NOTHING or entry.startswith(self._any_prefix):
            return None
        raise Stale

    def among(self, pks: Iterable[Any]) -> Result[Found[Any]]:
        """Ask which rows exist, without the cost of decoding them; raises ValidationError for a pk of a wrong type."""
        return ExistenceResult(existence_of(self.model), [*pks])

    def existing(self, pks: list[Any], values: Sequence[Any]) -> Found[Any]:
        """Return which of these primary keys exist, and the missing ones; the values in the same order."""
        if values.count(True) == len(values):
            return Found(pks, [])
        is_live = self.codec.is_live
        there = [value is True or (value is not None and is_live(value)) for value in values]
        absent = [not each for each in there]
        return Found(list(compress(pks, there)), list(compress(pks, absent)))


class ExistenceResult(Result[Found[Any]]):
    """Which of some rows exist."""

    def __init__(self, source: Existence, pks: list[Any]) -> None:
        self.source = source
        ids = source.unique(pks)
        if ids is None:
            self.identities = source.by_key(pks)
            self.ids = [*self.identities.values()]
        else:
            self.prefix, self.ids = source.key_prefix(), ids

    def resolve(self, values: Sequence[Any]) -> None:
        self.result = self.source.existing(self.ids, values)


def existence_of(model: type[Cacheable]) -> Existence:
    """Return the source that tells whether rows of a model exist, in the database that the router names now."""
    return _existence_of(model, database_of(model))


@cache
def _existence_of(model: type[Cacheable], using: str) -> Existence:
    return Existence(rows_of(model, using).model, using)


def row_keys(model: type[Cacheable], pks: Collection[Any], using: str) -> list[str]:
    """Return the keys of rows' entries."""
    rows = rows_of(model, using)
    return [rows.key(pk) for pk in rows.spellings(pks)]

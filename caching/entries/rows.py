"""Entries of rows by primary key."""

import logging
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, cast

import msgspec
from django.db import router
from django.db.models import Model

from ..cacheable import Cacheable, all_rows
from ..conf import conf
from ..options import jittered_ms
from ..protocol.codec import NOTHING, Stale, row_codec_of
from ..registry import family
from .source import Found, Result

logger = logging.getLogger(__name__)


class Rows:
    """A source: rows of a model by primary key. A value is a struct with an attribute for each cached column."""

    scripted = False

    def __init__(self, model: type[Cacheable]) -> None:
        self.model = model
        self.codec = row_codec_of(model)
        self.decode = self.codec.entry.decode
        self.label = model._meta.label_lower
        self.using = router.db_for_write(cast("type[Model]", model))
        self.pk_column = model._meta.pk.attname
        self._pk_at = self.codec.columns.index(self.pk_column)
        self._to_python = model._meta.pk.to_python
        self.key_prefix = f"{conf().prefix}:{self.label}:"

    def identity(self, pk: Any) -> Any:
        """Return the one form of a primary key that may be given as text; raises ValidationError."""
        return pk if type(pk) is int else self._to_python(pk)

    def key(self, pk: Any) -> str:
        """Return the key of a row; `pk` in the form that `identity()` gives it."""
        return f"{self.key_prefix}{pk}"

    def by_key(self, pks: Iterable[Any]) -> dict[str, Any]:
        """Return {key: pk}, each once, in the order given."""
        prefix, pks = self.key_prefix, list(pks)
        if len(pks) == 1 and type(pks[0]) is int:
            return {f"{prefix}{pks[0]}": pks[0]}
        if set(map(type, pks)) != {int}:
            pks = list(map(self.identity, pks))
        return {f"{prefix}{pk}": pk for pk in pks}

    def pk_of(self, row: Any) -> Any:
        """Return the primary key of a row."""
        return getattr(row, self.pk_column)

    def load(self, pks: Iterable[Any]) -> dict[Any, Any]:
        rows = all_rows(self.model, self.using).filter(pk__in=list(pks))
        return {row[self._pk_at]: self.codec.row_type(*row) for row in rows.values_list(*self.codec.columns)}

    def encode(self, pk: Any, row: Any) -> tuple[bytes, int]:
        options = self.model.cached
        if row is None:
            return NOTHING, jittered_ms(options.negative_ttl_s)
        try:
            return self.codec.entry.encode(msgspec.structs.astuple(row)), jittered_ms(options.ttl_s)
        except (OverflowError, TypeError, ValueError) as error:
            # One such row (JSON with an integer beyond 64 bits) must not take the rest of a batch with it.
            logger.warning("%s %s is read from the database each time, it cannot be cached: %s", self.label, pk, error)
            return b"", 0


@cache
def rows_of(model: type[Cacheable]) -> Rows:
    """Return the source of a model's rows; proxies share that of their concrete model."""
    concrete: Any = model._meta.concrete_model
    return Rows(concrete)


class Existence(Rows):
    """A source: whether rows exist, told by their entries. A value is anything but None for a row."""

    def __init__(self, model: type[Cacheable]) -> None:
        super().__init__(model)
        self._prefix = self.codec.entry.prefix
        self.decode = self._decode

    def _decode(self, identity: Any, entry: bytes) -> Any:
        if entry.startswith(self._prefix):
            return identity
        if entry == NOTHING:
            return None
        raise Stale

    def among(self, pks: Iterable[Any]) -> Result[Found[Any]]:
        """Ask which rows exist, without the cost of decoding them; raises ValidationError for a pk of a wrong type."""
        identities = self.by_key(pks)
        return Result(self, identities, lambda values: _existing(list(identities.values()), values))


@cache
def existence_of(model: type[Cacheable]) -> Existence:
    """Return the source that tells whether rows of a model exist."""
    return Existence(rows_of(model).model)


def _existing(pks: list[Any], values: Sequence[Any]) -> Found[Any]:
    if None not in values:
        return Found(pks, [])
    found = list(zip(pks, values, strict=True))
    return Found([pk for pk, value in found if value is not None], [pk for pk, value in found if value is None])


def row_keys(model: type[Cacheable], pks: Iterable[Any]) -> list[str]:
    """Return the keys of all entries that contain columns of these rows, also of multi-table parents and children."""
    kinds = [rows_of(relative) for relative in family(model)]
    return [rows.key(rows.identity(pk)) for pk in pks for rows in kinds]


def concerns_rows(model: type[Cacheable], columns: Collection[str] | None) -> bool:
    """Return whether writing these columns (None: all) changes what any row's entry says."""
    if columns is None:
        return True
    return any(not rows_of(relative).codec.names.isdisjoint(columns) for relative in family(model))

"""Entries that follow from rows without being one: a writer holds those that a row is, was or will be part of."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from copy import copy
from functools import cached_property
from itertools import product
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models import Q
from django.db.models.expressions import DatabaseDefault

from ..cacheable import all_rows
from ..columns import converts, never_cached, type_of
from ..databases import database_of, key_prefix
from ..faults import Fault, computed, field_of, has_composite_key, is_unique, refuse
from ..key_columns import KeyColumn, fault_of_key, key_column
from ..registry import Declaration
from ..writing.declarations import declare
from ..writing.invalidation import invalidate, invalidate_keys
from ..writing.transactions import hold_keys
from .conditions import fault_of_condition


class Derived(Declaration):
    """A source and a declaration: entries that rows of a cached model or an edge belong to by their columns.

    Declared once; `here()` and `at(using)` are the sources of one database.
    """

    kind: str
    """Stands between database and label in every key."""
    scripted = False
    outlives_runs = False
    _alias: str | None = None

    def __init__(
        self, model: type[models.Model], *, by: tuple[str, ...], of: tuple[str, ...] = (), where: Q | None
    ) -> None:
        """`by`: the foreign keys or plain columns that tell which entry a row belongs to; `of`: further columns that
        the entry tells of; `where` admits rows to it. Raises ImproperlyConfigured for what is no column."""
        self.model = model
        self.where = Q() if where is None else where
        self._by, self._of = by, of
        self._sources: dict[str, Self] = {}
        fields = [self._field(name) for name in (*by, *of)]
        self.label = ".".join([model._meta.label_lower, *(field.name for field in fields)])
        self.name = self.label
        declare(model, self)

    def _field(self, name: str) -> Any:
        meta = self.model._meta
        if (field := field_of(self.model, name)) is None or meta.abstract:
            columns = ", ".join(each.name for each in meta.concrete_fields)
            raise ImproperlyConfigured(
                f"{type(self).__name__} of {meta.label}: {name!r} is no column of a table; there are {columns}."
            )
        return field

    @cached_property
    def by(self) -> tuple[str, ...]:
        """The attribute names of the columns `by`."""
        return tuple(self.column(name) for name in self._by)

    def column(self, name: str) -> str:
        """Return the attribute name of a field: `author_id` for `author`."""
        return str(self._field(name).attname)

    # One database.

    @property
    def using(self) -> str:
        return self._alias or database_of(self.model)

    def here(self) -> Self:
        """Return the source of the database that the router names now."""
        return self.at(database_of(self.model))

    def at(self, using: str) -> Self:
        """Return the source of one database; raises ImproperlyConfigured for a declaration that no check let pass."""
        source = self._sources.get(using)
        if source is None:
            refuse(f"{type(self).__name__} of {self.label}", self.faults(using))
            source = copy(self)
            source._bind(using)
            self._sources[using] = source
        return source

    keys_by: tuple[KeyColumn, ...]
    """Of a source: the columns `by`."""
    has_integers: bool
    """Of a source: whether all of these are columns of integers."""

    def _bind(self, using: str) -> None:
        self._alias = using
        self.keys_by = tuple(self._key_column(name, using) for name in self._by)
        self.has_integers = all(kind.is_integer for kind in self.keys_by)

    def _key_column(self, name: str, using: str) -> KeyColumn:
        return key_column(self._field(name), using)

    def faults(self, using: str) -> list[Fault]:
        """Return what is wrong with the declaration on a database."""
        if has_composite_key(self.model):
            text = "The primary key has several columns; entries are found by one."
            return [Fault("caching.E013", text, "Give the model a primary key of one column.")]
        return [*self._faults(using)]

    def _faults(self, using: str) -> Iterator[Fault]:
        for name in self._by:
            yield from self._owner_faults(name, using)
        if never := {self.column(name) for name in (*self._by, *self._of)} & _never(self.model):
            text = f"The column {min(never)!r} must never be cached, by Cached(never=…) of the model."
            yield Fault("caching.E019", text, "Take it out of never, or drop the declaration.")
        if fault := fault_of_condition(self.model, self.where):
            yield Fault("caching.E018", f"where=… {fault}.", "Compare columns of the model itself with constants.")

    def _owner_faults(self, name: str, using: str) -> Iterator[Fault]:
        field = self._field(name)
        if fault := fault_of_key(field) or computed(field):
            text = f"The column {name!r} cannot stand in keys: {fault}."
            yield Fault("caching.E012", text, "Use a column of integers, texts, UUIDs, decimals, dates or times.")
        elif not key_column(field, using).is_comparable:
            text = f"The database takes different spellings of the text {name!r} for one, and the cache cannot."
            yield Fault("caching.E017", text, 'Give the column a binary collation: db_collation="utf8mb4_bin".')

    def _integer_faults(self, name: str) -> Iterator[Fault]:
        field = self._field(name)
        if type_of(field) is not int or converts(field) or computed(field):
            text = f"{name!r} is no plain column of integers, which is all that these entries can hold."
            yield Fault("caching.E016", text, "Use an integer column, or a foreign key to an integer key.")

    def _pair_faults(self, *names: str) -> Iterator[Fault]:
        if not is_unique(self.model, names, at_once=True):
            text = f"{' and '.join(map(repr, names))} are not unique together: one of two equal rows may be deleted."
            yield Fault("caching.E015", text, f"Add UniqueConstraint(fields={list(names)!r}) to the model.")

    # Keys.

    def identity(self, *values: Any) -> Any:
        """Return the identity of the entry of rows that have these values in the columns `by`; raises
        ValidationError."""
        return self.identity_of(*self.canonical(*values))

    def identity_of(self, *values: Any) -> Hashable:
        """Return the same by values in their one form."""
        raise NotImplementedError

    def canonical(self, *values: Any) -> tuple[Any, ...]:
        """Return the one form of values of the columns `by`; raises ValidationError."""
        keys_by = self.at(self.using).keys_by
        return tuple(kind.canonical(value) for kind, value in zip(keys_by, values, strict=True))

    def key(self, identity: Any) -> str:
        """Return the Redis key of an entry."""
        raise NotImplementedError

    def key_prefix(self) -> str:
        """Return what the keys of all entries begin with."""
        return f"{key_prefix(self._alias or self.using)}{self.kind}:{self.name}:"

    def key_prefixes(self, using: str) -> list[str]:
        return [f"{key_prefix(using)}{self.kind}:{self.name}:"]

    def invalidate(self, owner: Any = None) -> int:
        """Delete the entries of one owner, by default of all; return how many. In a transaction, do so at once and
        again after its commit. Raises redis.RedisError or OSError when Redis cannot be reached."""
        if owner is None:
            return invalidate([self.key_prefix()], using=[self.using])
        return self.invalidate_owner(owner)

    def invalidate_owner(self, owner: Any) -> int:
        """Delete the entries of one owner; return how many."""
        source = self.here()
        return invalidate_keys([source.key(source.identity(owner))], using=[source.using])

    def keys_of_owner(self, owner: Any) -> tuple[list[str], list[str]]:
        """Return the Redis keys that belong to an owner, and what further ones begin with; of a source."""
        return [self.key(self.identity(owner))], []

    def hold(self, using: str, identities: Iterable[Any]) -> None:
        """Hold entries, for writers who go past save(), delete() and the QuerySet's writes; see `hold_keys`."""
        source = self.at(using)
        hold_keys(using, [source.key(identity) for identity in identities])

    # As a declaration. A row that moves is held in the entry that it leaves, too.

    def concerns(self, columns: Collection[str] | None) -> bool:
        return columns is None or bool(self.where) or not self._read.isdisjoint(columns)

    @cached_property
    def _read(self) -> frozenset[str]:
        """The columns that entries depend on, by their names and by their attribute names."""
        names = (*self._by, *self._of)
        return frozenset((*names, *map(self.column, names)))

    def columns(self) -> tuple[str, ...]:
        return (*self.by, *self._of)

    def keys_of(self, instance: Any, using: str, columns: Collection[str] | None = None) -> list[str]:
        concrete: Any = self.model._meta.concrete_model
        if not isinstance(instance, concrete):
            return []  # a parent, of which the child's columns are not known
        values = [getattr(instance, column) for column in self.by]
        source = self.at(using)
        if source.has_integers and {*map(type, values)} == {int}:  # have one form: each write asks for keys
            return [source.key(source.identity_of(*values))]
        if instance._state.adding and any(isinstance(each, DatabaseDefault) for each in values):
            return []  # known once the row is inserted
        return source._keys_written(values)

    def stored_keys(self, pks: list[Any], using: str) -> list[str]:
        rows = all_rows(self.model, using).filter(pk__in=pks).select_for_update()
        source = self.at(using)
        return [key for values in set(rows.order_by().values_list(*self.by)) for key in source._keys_written(values)]

    def _keys_written(self, values: Sequence[Any]) -> list[str]:
        """Return the keys that values of the columns `by` lead to in any form that they may take once written."""
        if None in values:
            return []
        forms = (kind.written(each) for kind, each in zip(self.keys_by, values, strict=True))
        return [self.key(self.identity_of(*written)) for written in product(*forms)]


def _never(model: Any) -> frozenset[str]:
    return never_cached(model) if hasattr(model, "cached") else frozenset()

"""Entries that follow from rows without being one: a writer holds those that a row is, was or will be part of."""

from collections.abc import Collection, Hashable, Iterable
from functools import cached_property
from typing import Any

from django.db import models, router
from django.db.models import Q

from ..cacheable import all_rows
from ..conf import conf
from ..protocol.invalidation import invalidate, invalidate_keys
from ..registry import Declaration
from ..writing.declarations import declare
from ..writing.transactions import hold_keys


class Derived(Declaration):
    """A source and a declaration: entries that rows of a cached model or an edge belong to by their columns."""

    kind: str
    """Stands between prefix and label in every key."""
    scripted = False

    def __init__(
        self, model: type[models.Model], label: str, *, by: tuple[str, ...], of: tuple[str, ...] = (), where: Q | None
    ) -> None:
        """`by`: the foreign keys or plain columns that tell which entry a row belongs to; `of`: further columns that
        the entry tells of; `where` admits rows to it."""
        self.model = model
        self.label = f"{model._meta.label_lower}.{label}"
        self.where = Q() if where is None else where
        self._by, self._of = by, of
        declare(model, self)

    @cached_property
    def by(self) -> tuple[str, ...]:
        """The attribute names of the columns `by`."""
        return tuple(self.column(name) for name in self._by)

    @cached_property
    def using(self) -> str:
        return router.db_for_write(self.model)

    def column(self, name: str) -> str:
        """Return the attribute name of a field: `author_id` for `author`."""
        return str(self.model._meta.get_field(name).attname)  # type: ignore[union-attr]

    def identity(self, *values: Any) -> Hashable:
        """Return the identity of the entry of rows that have these values in the columns `by`."""
        raise NotImplementedError

    def key(self, identity: Any) -> str:
        """Return the Redis key of an entry."""
        raise NotImplementedError

    def key_prefix(self) -> str:
        """Return what the keys of all entries begin with."""
        return f"{conf().prefix}:{self.kind}:{self.label}:"

    def key_prefixes(self) -> list[str]:
        return [self.key_prefix()]

    def invalidate(self, owner: Any = None) -> int:
        """Delete the entries of one owner, by default of all; return how many. In a transaction, do so at once and
        again after its commit. Raises redis.RedisError or OSError when Redis cannot be reached."""
        if owner is None:
            return invalidate(self.key_prefixes(), using=[self.using])
        return self.invalidate_owner(owner)

    def invalidate_owner(self, owner: Any) -> int:
        """Delete the entries of one owner; return how many."""
        return invalidate_keys([self.key(self.identity(owner))], using=[self.using])

    def hold(self, using: str, identities: Iterable[Any]) -> None:
        """Hold entries, for writers who go past save(), delete() and the QuerySet's writes; see `hold_keys`."""
        hold_keys(using, [self.key(identity) for identity in identities])

    # As a declaration. A row that moves is held in the entry that it leaves, too.

    def concerns(self, columns: Collection[str] | None) -> bool:
        names = (*self._by, *self._of)
        read = {*names, *map(self.column, names)}
        return columns is None or bool(self.where) or not read.isdisjoint(columns)

    def keys_of(self, instance: Any, columns: Collection[str] | None = None) -> list[str]:
        return self._keys([tuple(getattr(instance, column) for column in self.by)])

    def stored_keys(self, pks: list[Any], using: str) -> list[str]:
        rows = all_rows(self.model, using).filter(pk__in=pks)
        return self._keys(set(rows.order_by().values_list(*self.by)))

    def _keys(self, rows: Iterable[tuple[Any, ...]]) -> list[str]:
        return [self.key(self.identity(*values)) for values in rows if None not in values]

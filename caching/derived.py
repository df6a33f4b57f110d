"""Entries that follow from rows without being one: whoever writes a row holds those it is, was or will be part of."""

from collections.abc import Collection, Hashable, Iterable
from functools import cached_property
from typing import Any

from django.db import models, router
from django.db.models import Q, signals

from caching import holds, many, registry
from caching.conf import conf


class Derived:
    """`by` names the foreign keys or plain columns of a cached model or an edge that tell which entry a row belongs to;
    `of` others that the entry tells of; `where` admits rows to it."""

    kind: str
    """Between prefix and label in every key."""
    probing = False

    def __init__(
        self, model: type[models.Model], label: str, *, by: tuple[str, ...], of: tuple[str, ...] = (), where: Q | None
    ) -> None:
        self.model = model
        self.label = f"{model._meta.label_lower}.{label}"
        self.where = Q() if where is None else where
        self._by, self._of = by, of
        registry.register_edge(model)
        for signal, receiver in (
            (signals.pre_save, self._before_save),
            (signals.pre_delete, self._before_delete),
            (many.inserting, self._before_insert),
            (many.updating, self._around_update),
            (many.updated, self._around_update),
        ):
            signal.connect(receiver, sender=model)

    @cached_property
    def by(self) -> tuple[str, ...]:
        return tuple(self.column(name) for name in self._by)

    @cached_property
    def using(self) -> str:
        return router.db_for_write(self.model)

    def column(self, name: str) -> str:
        return str(self.model._meta.get_field(name).attname)  # type: ignore[union-attr]

    def ident(self, *values: Any) -> Hashable:
        """The identity of the entry of rows that have these values in the columns `by`."""
        raise NotImplementedError

    def key(self, ident: Any) -> str:
        raise NotImplementedError

    def stem(self) -> str:
        return f"{conf().prefix}:{self.kind}:{self.label}:"

    def hold(self, using: str, idents: Iterable[Any]) -> None:
        """For writers who go past save(), delete() and the QuerySet's writes; see `holds.hold`."""
        holds.hold(using, [self.key(ident) for ident in idents])

    # A row that moves is held in the entry that it leaves, too.

    def _before_save(self, *, instance: Any, using: str, update_fields: Collection[str] | None, **_: Any) -> None:
        if self._concerns(update_fields):
            self._hold_rows(using, {self._values_of(instance)})
            if instance.pk is not None:
                self._hold_rows(using, self._stored([instance.pk], using))

    def _before_delete(self, *, instance: Any, using: str, **_: Any) -> None:
        self._hold_rows(using, {self._values_of(instance)})

    def _before_insert(self, *, instances: list[Any], using: str, **_: Any) -> None:
        self._hold_rows(using, {self._values_of(instance) for instance in instances})

    def _around_update(self, *, pks: list[Any], columns: Collection[str], using: str, **_: Any) -> None:
        # After the update any time before the commit will do: until then nobody else can see what the new owner has.
        if self._concerns(columns):
            self._hold_rows(using, self._stored(pks, using))

    def _concerns(self, columns: Collection[str] | None) -> bool:
        names = (*self._by, *self._of)
        read = {*names, *map(self.column, names)}
        return columns is None or bool(self.where) or not read.isdisjoint(columns)

    def _values_of(self, instance: Any) -> tuple[Any, ...]:
        return tuple(getattr(instance, column) for column in self.by)

    def _stored(self, pks: list[Any], using: str) -> set[tuple[Any, ...]]:
        rows = self.model._base_manager.using(using).filter(pk__in=pks)
        return set(rows.order_by().values_list(*self.by))

    def _hold_rows(self, using: str, rows: set[tuple[Any, ...]]) -> None:
        self.hold(using, [self.ident(*values) for values in rows if None not in values])

"""Writes of many rows, for which Django sends no signals: what they are about to touch is held first."""

import contextlib
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from typing import Any, NoReturn, cast

from django.db import NotSupportedError, connections, models

from .. import registry
from ..cacheable import all_rows
from ..writing import bulk_signals
from ..writing.declarations import held_declarations, hold_instances, hold_stored, hold_updated, note_inserted
from ..writing.transactions import atomic_write

UPDATE_BATCH = 1_000


class _HoldingQuerySet(models.QuerySet[Any]):
    """A QuerySet whose writes hold what is derived from their rows."""

    def delete(self) -> tuple[int, dict[str, int]]:
        with self._transaction():
            # One hold for all rows; the signals that follow find their keys held.
            if held_declarations(self.model):
                self._hold_all()
            return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]

    def _hold_all(self) -> None:
        raise NotImplementedError

    def _insert_all(self, rows: list[Any], *, in_bulk: bool, **options: Any) -> list[Any]:
        with self._transaction():
            hold_instances(self.db, rows)
            if not in_bulk:
                for row in rows:
                    row.save(force_insert=True, using=self.db)
                return rows
            bulk_signals.inserting.send(self._concrete, instances=rows, using=self.db)
            models.QuerySet.bulk_create(self, rows, **options)
            note_inserted(self.db, self._concrete, rows)
            bulk_signals.inserted.send(self._concrete, instances=rows, using=self.db)
        return rows

    @property
    def _returns_pks(self) -> bool:
        """MySQL does not tell the pks of a multi-row INSERT."""
        return connections[self.db].features.can_return_rows_from_bulk_insert

    @property
    def _concrete(self) -> type[models.Model]:
        return cast("type[models.Model]", self.model._meta.concrete_model)

    def _transaction(self) -> AbstractContextManager[None]:
        self._for_write = True  # before `db` is asked for, so that a router names the primary and not a replica
        return atomic_write(self.db)


class CachedQuerySet(_HoldingQuerySet):
    """The QuerySet of cached models. `get()`, `filter()` and all other reads are plain Django."""

    def update(self, **changes: Any) -> int:
        """As in Django, but lock and list the affected rows first."""
        if not self._concerns(changes.keys()) and not bulk_signals.updating.has_listeners(self._concrete):
            return super().update(**changes)
        with self._transaction():
            pks = list(self.select_for_update().values_list("pk", flat=True))
            batches = (pks[at : at + UPDATE_BATCH] for at in range(0, len(pks), UPDATE_BATCH))
            return sum(self._update_batch(batch, changes) for batch in batches)

    def _hold_all(self) -> None:
        hold_stored(self.db, self._concrete, list(self.select_for_update().values_list("pk", flat=True)))

    def _concerns(self, columns: Collection[str]) -> bool:
        return any(each.concerns(columns) for each in held_declarations(self.model))

    def _update_batch(self, pks: list[Any], changes: dict[str, Any]) -> int:
        rows = all_rows(self.model, self.db).filter(pk__in=pks)
        columns = {self.model._meta.get_field(name).attname for name in changes}
        written = {"pks": pks, "columns": columns, "using": self.db}
        hold_stored(self.db, self._concrete, pks, columns)
        bulk_signals.updating.send(self._concrete, **written)
        updated: int = models.QuerySet.update(rows, **changes)
        bulk_signals.updated.send(self._concrete, **written)
        hold_updated(self.db, self._concrete, pks, columns)
        return updated

    def bulk_create(
        self,
        objs: Iterable[Any],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Any = None,
        unique_fields: Any = None,
    ) -> list[Any]:
        """As in Django, with two limits, because every inserted or updated pk must be known before the commit:
        no `update_conflicts`, and `ignore_conflicts` only for objects that bring their pk and that nothing else is
        derived from (NotSupportedError)."""
        rows = list(objs)
        with_pk = all(row.pk is not None for row in rows)
        derived = len(registry.declarations_of(self.model)) > 1 or bulk_signals.inserted.has_listeners(self._concrete)
        if update_conflicts or (ignore_conflicts and (derived or not with_pk)):
            raise NotSupportedError(
                f"{self.model._meta.label} is cached: bulk_create() cannot tell which rows a conflict touched. "
                "Insert without conflicts, or update by pk."
            )
        self._for_write = True
        in_bulk = with_pk or self._returns_pks
        return self._insert_all(rows, in_bulk=in_bulk, batch_size=batch_size, ignore_conflicts=ignore_conflicts)

    # Django's own, in a transaction that lifts at once if they fail.

    def bulk_update(self, *args: Any, **options: Any) -> int:
        with self._transaction():
            return super().bulk_update(*args, **options)

    def update_or_create(self, *args: Any, **options: Any) -> tuple[Any, bool]:
        with self._transaction():
            return super().update_or_create(*args, **options)

    def get_or_create(self, defaults: Any = None, **lookup: Any) -> tuple[Any, bool]:
        self._for_write = True
        with contextlib.suppress(self.model.DoesNotExist):
            return self.get(**lookup), False
        with self._transaction():
            return super().get_or_create(defaults, **lookup)


class EdgeQuerySet(_HoldingQuerySet):
    """The QuerySet of edges: writes of many rows that cannot tell id sets what they change are refused."""

    def _hold_all(self) -> None:
        # Rows are not locked here: many writers of edges hold the lock of what the edge points at, and wait for it.
        hold_instances(self.db, self)

    def update(self, **changes: Any) -> NoReturn:
        self._refuse("update()")

    def bulk_create(self, objs: Iterable[Any], batch_size: int | None = None, **conflicts: Any) -> list[Any]:  # type: ignore[override]
        """As in Django, without conflicts, which would hide which rows are new (NotSupportedError)."""
        if any(conflicts.values()):
            self._refuse("bulk_create() with conflicts")
        self._for_write = True
        return self._insert_all(list(objs), in_bulk=self._returns_pks, batch_size=batch_size)

    def bulk_update(self, *args: Any, **options: Any) -> NoReturn:
        self._refuse("bulk_update()")

    def _refuse(self, name: str) -> NoReturn:
        raise NotSupportedError(
            f"{self.model._meta.label} has id sets: {name} cannot tell them what it changes. "
            "Save and delete its rows one by one."
        )

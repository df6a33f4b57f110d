"""Writes of many rows, for which Django sends no signals: what they are about to touch is held first."""

import contextlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, NoReturn, cast

from django.db import NotSupportedError, connections, models
from django.db.models.deletion import Collector

from .. import registry
from ..cacheable import all_rows
from ..writing import bulk_signals
from ..writing.declarations import chunks, heard, hold_instances, hold_stored, hold_updated, is_followed, note_inserted
from ..writing.transactions import atomic_write


class HoldingQuerySet(models.QuerySet[Any]):
    """A QuerySet whose writes hold what is derived from their rows."""

    locked_rows: dict[Any, dict[Any, Any]]
    """What delete() has locked, by concrete model and primary key: the Collector need not read it again."""

    def delete(self) -> tuple[int, dict[str, int]]:
        """As in Django, but lock the rows as they are collected."""
        models.QuerySet.delete(self.none())  # raises what Django raises
        with self._transaction():
            if not is_followed(self.model):
                return super().delete()
            rows = self._lock()
            self.locked_rows = {self._concrete: {row.pk: row for row in rows}}
            collector = Collector(using=self.db, origin=self)
            collector.collect(rows)
            deleted = collector.delete()
        del self.locked_rows
        self._result_cache = None
        return deleted

    delete.queryset_only = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]

    def _raw_delete(self, using: str | None) -> Any:
        """As in Django: one statement, and no signals."""
        if not heard(self.model):
            return super()._raw_delete(using)
        rows = self.using(using or self.db)
        with atomic_write(rows.db):
            pks = rows._locked_pks()
            hold_stored(rows.db, self._concrete, pks, None)
            return models.QuerySet._raw_delete(rows._restricted_to(pks), rows.db) or 0

    def _lock(self) -> list[Any]:
        """Lock the rows and return whole instances."""
        if self._is_simple():
            return list(self.order_by("pk").select_related(None).defer(None).select_for_update())
        rows = all_rows(self.model, self.db).order_by("pk").select_for_update()
        return [row for pks in chunks(self._pks()) for row in rows.filter(pk__in=pks)]

    def _locked_pks(self) -> list[Any]:
        """Lock the rows and return each primary key once."""
        if self._is_simple():
            return list(self.order_by("pk").select_for_update().values_list("pk", flat=True))
        rows = all_rows(self.model, self.db).order_by("pk").select_for_update().values_list("pk", flat=True)
        return [pk for pks in chunks(self._pks()) for pk in rows.filter(pk__in=pks)]

    def _pks(self) -> list[Any]:
        """Return the primary keys of all rows that the conditions admit, each once."""
        return list(dict.fromkeys(self.order_by().distinct().values_list("pk", flat=True)))

    def _restricted_to(self, pks: list[Any]) -> models.QuerySet[Any]:
        """Leave out rows that have come to fulfil the conditions since the others were locked."""
        if not pks and self.query.group_by:
            return self.extra(where=["1 = 0"])  # the database refuses to update groups, even if there are none
        limit = connections[self.db].features.max_query_params
        # SQLite admits no writer beside this one, and not so many parameters.
        return self.filter(pk__in=pks) if limit is None or len(pks) < limit // 2 else self.all()

    def _is_simple(self) -> bool:
        """Return whether rows can be locked by the query itself: each comes once, and no other table's rows do."""
        query = self.query
        joined = [table for table in query.alias_map if query.alias_refcount[table]]
        return len(joined) <= 1 and not (
            query.annotations or query.distinct or query.group_by or query.extra_tables or query.extra
        )

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


class CachedQuerySet(HoldingQuerySet):
    """The QuerySet of cached models. `get()`, `filter()` and all other reads are plain Django."""

    def for_write(self) -> "CachedQuerySet":
        """Return a copy for the database that the router names for writing."""
        rows = self.all()
        rows._for_write = True
        return rows

    def lock_one(self, pk: Any) -> Any:
        """Lock a row and return its instance; raises DoesNotExist for one that the conditions do not admit."""
        if self._is_simple() and not self.query.select_related:
            return self.select_for_update().get(pk=pk)
        all_rows(self.model, self.db).select_for_update().filter(pk=pk).values_list("pk").first()
        return self.get(pk=pk)

    def update(self, **changes: Any) -> int:
        """As in Django, but lock and list the affected rows first."""
        models.QuerySet.update(self.none(), **changes)  # raises what Django raises
        columns = {self.model._meta.get_field(name).attname for name in changes}
        concerned = any(each.concerns(columns) for _, each in heard(self.model))
        if not concerned and not bulk_signals.updating.has_listeners(self._concrete):
            return super().update(**changes)
        with self._transaction():
            return self._update_rows(self._locked_pks(), columns, changes)

    def _update_rows(self, pks: list[Any], columns: set[str], changes: dict[str, Any]) -> int:
        hold_stored(self.db, self._concrete, pks, columns)
        self._announce(bulk_signals.updating, pks, columns)
        updated = models.QuerySet.update(self._restricted_to(pks), **changes)
        self._announce(bulk_signals.updated, pks, columns)
        hold_updated(self.db, self._concrete, pks, columns)
        return updated

    def _announce(self, signal: Any, pks: list[Any], columns: set[str]) -> None:
        for chunk in chunks(pks):
            signal.send(self._concrete, pks=chunk, columns=columns, using=self.db)

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
        derived = len(heard(self.model)) > 1 or bulk_signals.inserted.has_listeners(self._concrete)
        if update_conflicts or (ignore_conflicts and (derived or not with_pk)):
            self._refuse(
                "bulk_create() cannot tell which rows a conflict touched. Insert without conflicts, or update by pk."
            )
        self._for_write = True
        in_bulk = with_pk or self._returns_pks
        return self._insert_all(rows, in_bulk=in_bulk, batch_size=batch_size, ignore_conflicts=ignore_conflicts)

    def _refuse(self, what: str) -> NoReturn:
        raise NotSupportedError(f"{self.model._meta.label} is cached: {what}")

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


class EdgeQuerySet(HoldingQuerySet):
    """The QuerySet of edges: writes of many rows that cannot tell id sets what they change are refused."""

    def _lock(self) -> list[Any]:
        # The rows are found without a lock, and locked by primary key: who deletes one by its key locks its place in
        # the index of its ends after that, and the two would wait for each other.
        rows = all_rows(self.model, self.db).select_for_update()
        if self._is_simple():
            return list(rows.filter(pk__in=self.order_by().values("pk")))
        return super()._lock()

    def update(self, **changes: Any) -> int:
        """As in Django where nothing is derived from the rows; refused otherwise (NotSupportedError)."""
        self._refuse_if_followed("update()")
        return super().update(**changes)

    def bulk_create(self, objs: Iterable[Any], batch_size: int | None = None, **conflicts: Any) -> list[Any]:  # type: ignore[override]
        """As in Django, without conflicts, which would hide which rows are new (NotSupportedError)."""
        if any(conflicts.values()):
            self._refuse("bulk_create() with conflicts")
        self._for_write = True
        return self._insert_all(list(objs), in_bulk=self._returns_pks, batch_size=batch_size)

    def bulk_update(self, *args: Any, **options: Any) -> int:
        """As in Django where nothing is derived from the rows; refused otherwise (NotSupportedError)."""
        self._refuse_if_followed("bulk_update()")
        return super().bulk_update(*args, **options)

    def _refuse_if_followed(self, name: str) -> None:
        model: Any = self.model
        if registry.heard(model) or bulk_signals.updating.has_listeners(self._concrete):  # also while switched off
            self._refuse(name)

    def _refuse(self, name: str) -> NoReturn:
        raise NotSupportedError(
            f"{self.model._meta.label} has id sets: {name} cannot tell them what it changes. "
            "Save and delete its rows one by one."
        )

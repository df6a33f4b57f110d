"""The verbs of a cached model, and the writes that keep its entries honest.

`objects.get()` and `filter()` stay what they are in Django: the cache is always asked for by name.
"""

import contextlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, cast

from django.db import NotSupportedError, connections, models, router

from caching import entries, holds, many
from caching.batch import Batch, Found, check_columns, instance_of, read_rows
from caching.edges import LiftingModel
from caching.lookups import find
from caching.options import Cached
from caching.registry import family
from caching.signals import concerns_entries
from caching.sources import lookup_keys, row_keys

UPDATE_BATCH = 1_000


class CachedQuerySet(models.QuerySet[Any]):
    """Writes of many rows, which send no signals: the rows they are about to touch are held first."""

    def update(self, **changes: Any) -> int:
        """As in Django, but locks and lists the affected rows first."""
        if not concerns_entries(self.model, changes.keys()) and not many.updating.has_listeners(self._concrete):
            return super().update(**changes)
        with self._transaction():
            pks = list(self.select_for_update().values_list("pk", flat=True))
            batches = (pks[at : at + UPDATE_BATCH] for at in range(0, len(pks), UPDATE_BATCH))
            return sum(self._update_batch(batch, changes) for batch in batches)

    def _update_batch(self, pks: list[Any], changes: dict[str, Any]) -> int:
        holds.hold(self.db, row_keys(self.model, pks))
        rows = self.model._base_manager.using(self.db).filter(pk__in=pks)
        changed = {self.model._meta.get_field(name).attname for name in changes}
        told = {"pks": pks, "columns": changed, "using": self.db}
        many.updating.send(self._concrete, **told)
        updated: int = models.QuerySet.update(rows, **changes)
        many.updated.send(self._concrete, **told)
        relatives = family(cast("type[CachedModel]", self.model))
        columns = {column for relative in relatives for column in relative.cached.lookups} & changed
        if columns:
            # Any time before the commit will do: until then nobody can see the new values, nor miss them.
            for values in rows.values(*columns):
                holds.hold(self.db, lookup_keys(self.model, values))
        return updated

    def delete(self) -> tuple[int, dict[str, int]]:
        with self._transaction():
            # One hold for all of them; the signals that follow find them held.
            holds.hold(self.db, row_keys(self.model, self.select_for_update().values_list("pk", flat=True)))
            return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]

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
        derived = many.inserted.has_listeners(self._concrete)
        if update_conflicts or (ignore_conflicts and (derived or not with_pk)):
            raise NotSupportedError(
                f"{self.model._meta.label} is cached: bulk_create() cannot tell which rows a conflict touched. "
                "Insert without conflicts, or update by pk."
            )
        with self._transaction():
            known = [row.pk for row in rows if row.pk is not None]
            lookups = [key for row in rows for key in lookup_keys(self.model, row.__dict__)]
            holds.hold(self.db, row_keys(self.model, known) + lookups)
            if with_pk or connections[self.db].features.can_return_rows_from_bulk_insert:
                many.inserting.send(self._concrete, instances=rows, using=self.db)
                super().bulk_create(rows, batch_size, ignore_conflicts)
                many.inserted.send(self._concrete, instances=rows, using=self.db)
            else:
                # MySQL does not tell the pks of a multi-row INSERT.
                for row in rows:
                    row.save(force_insert=True, using=self.db)
            holds.hold(self.db, row_keys(self.model, (row.pk for row in rows)))
            return rows

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

    @property
    def _concrete(self) -> "type[models.Model]":
        return cast("type[models.Model]", self.model._meta.concrete_model)

    def _transaction(self) -> AbstractContextManager[None]:
        self._for_write = True  # before `db` is asked for, so that a router names the primary and not a replica
        return holds.transaction_of(self.db)


class CachedManager(models.Manager.from_queryset(CachedQuerySet)):  # type: ignore[misc]
    """Reads ask Redis first and the database under a lease; writes invalidate before they are acknowledged."""

    def get_one(self, pk: Any = None, **lookup: Any) -> Any:
        """The instance with this pk, or with this value of a declared unique lookup: `get_one(username="ann")`.

        Columns that are never cached are deferred. Raises DoesNotExist, and ValidationError for a pk of a wrong type.
        """
        if (pk is None) == (not lookup) or len(lookup) > 1:
            raise TypeError("get_one() takes a primary key or one unique lookup.")
        if lookup:
            row = find(self.model, *lookup.popitem())
            found = [] if row is None else [instance_of(self.model, row)]
        else:
            found = self.get_some([pk]).results
        if not found:
            raise self.model.DoesNotExist(f"{self.model._meta.object_name} does not exist.")
        return found[0]

    def get_some(self, pks: Iterable[Any]) -> Found[Any]:
        """The instances with these pks in the order asked, each once, and the pks that no row has."""
        return read_rows(self.model, pks).instances()

    def get_one_cols(self, pk: Any, *columns: str) -> dict[str, Any]:
        """The named columns (default: all that are cached) of one row; raises DoesNotExist and FieldError."""
        found = self.get_some_cols([pk], *columns)
        if found.missing:
            raise self.model.DoesNotExist(f"{self.model._meta.object_name} does not exist.")
        return found.results[0]

    def get_some_cols(self, pks: Iterable[Any], *columns: str) -> Found[dict[str, Any]]:
        """Like get_some, but dicts of columns, which cost a tenth of instances; raises FieldError."""
        check_columns(self.model, columns)
        return read_rows(self.model, pks).cols(*columns)

    def create_one(self, **fields: Any) -> Any:
        """Insert a row; a refused one (IntegrityError) leaves nothing held."""
        return self.create(**fields)

    def update_one(self, pk: Any, **changes: Any) -> Any:
        """Lock the row, change the named fields alone, return the instance; raises DoesNotExist."""
        with holds.transaction_of(using := router.db_for_write(self.model)):
            instance = self.using(using).select_for_update().get(pk=pk)
            for name, value in changes.items():
                setattr(instance, name, value)
            instance.save(update_fields=list(changes))
            return instance

    def hydrate(self, instances: Sequence[Any], *relations: str) -> None:
        """Fill foreign keys to cached models' primary keys, one round trip for all; a dangling one stays unfilled."""
        batch = Batch()
        fields = [self.model._meta.get_field(relation) for relation in relations]
        if elsewhere := [field.name for field in fields if not field.target_field.primary_key]:
            raise TypeError(f"hydrate() follows foreign keys to primary keys only; {elsewhere[0]!r} leads elsewhere.")
        pks = [{getattr(each, field.attname) for each in instances} - {None} for field in fields]
        rows = [batch.rows(field.related_model, wanted) for field, wanted in zip(fields, pks, strict=True)]
        batch.run()
        for field, found in zip(fields, rows, strict=True):
            by_pk = {related.pk: related for related in found.instances().results}
            for instance in instances:
                related = by_pk.get(getattr(instance, field.attname))
                if related is not None:
                    field.set_cached_value(instance, related)

    def cache_entry(self, pk: Any) -> str:
        """What stands in Redis for a row, in words, for operators."""
        return entries.describe(self.model, pk)

    def drop_entry(self, pk: Any) -> None:
        """Delete a row's entry; the next reader loads it anew. A writer's hold stays."""
        entries.drop(self.model, pk)


class CachedModel(LiftingModel):
    """Base of cached models; concrete ones declare `cached = Cached(…)` and inherit from this Meta."""

    cached: ClassVar[Cached] = Cached()
    is_from_cache = False

    objects = CachedManager()

    class Meta:
        abstract = True
        # What a cascade updates (SET_NULL) goes through the base manager and must invalidate as well.
        base_manager_name = "objects"

    def save(self, *args: Any, **options: Any) -> None:
        if self.is_from_cache and options.get("update_fields") is None:
            raise ValueError(
                f"This {self._meta.object_name} was read from the cache, and saving all of it could undo newer "
                "writes: name the update_fields, or use objects.update_one()."
            )
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        using = options.get("using") or router.db_for_write(type(self), instance=self)
        with holds.transaction_of(using):
            # Before Django collects what points here: from now on nothing more can, and refuse the deletion.
            type(self)._base_manager.using(using).select_for_update().filter(pk=self.pk).values_list("pk").first()
            return super().delete(*args, **options)

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        if fields is None:
            self.is_from_cache = False

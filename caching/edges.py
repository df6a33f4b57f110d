"""Rows that say who belongs to whom: a follow, a like, a block. Id sets are derived from them."""

from collections.abc import Iterable
from typing import Any, NoReturn

from django.db import NotSupportedError, connections, models, router

from caching import holds
from caching.many import inserted, inserting


class LiftingModel(models.Model):
    """Saves and deletes in a transaction whose holds are lifted at once if the database refuses the write."""

    class Meta:
        abstract = True

    def save_base(self, *args: Any, **options: Any) -> None:
        using = options.get("using") or router.db_for_write(type(self), instance=self)
        with holds.transaction_of(using):
            super().save_base(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        with holds.transaction_of(options.get("using") or router.db_for_write(type(self), instance=self)):
            return super().delete(*args, **options)


class EdgeQuerySet(models.QuerySet[Any]):
    """Whoever derives something from edges is told of each; writes of many rows that could not tell are refused."""

    def delete(self) -> tuple[int, dict[str, int]]:
        self._for_write = True
        with holds.transaction_of(self.db):
            return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]

    def update(self, **changes: Any) -> NoReturn:
        self._refuse("update()")

    def bulk_create(self, objs: Iterable[Any], batch_size: int | None = None, **conflicts: Any) -> list[Any]:  # type: ignore[override]
        """As in Django, but told by `caching.many`; no conflicts, which would hide which rows are new."""
        if any(conflicts.values()):
            self._refuse("bulk_create() with conflicts")
        rows = list(objs)
        self._for_write = True
        with holds.transaction_of(self.db):
            if not connections[self.db].features.can_return_rows_from_bulk_insert:
                for row in rows:  # MySQL does not tell the pks of a multi-row INSERT
                    row.save(force_insert=True, using=self.db)
                return rows
            inserting.send(self.model, instances=rows, using=self.db)
            super().bulk_create(rows, batch_size)
            inserted.send(self.model, instances=rows, using=self.db)
        return rows

    def bulk_update(self, *args: Any, **options: Any) -> NoReturn:
        self._refuse("bulk_update()")

    def _refuse(self, name: str) -> NoReturn:
        raise NotSupportedError(
            f"{self.model._meta.label} has id sets: {name} cannot tell them what it changes. "
            "Save and delete its rows one by one."
        )


class EdgeModel(LiftingModel):
    """Base of the models that id sets are declared on."""

    objects = models.Manager.from_queryset(EdgeQuerySet)()

    class Meta:
        abstract = True
        base_manager_name = "objects"

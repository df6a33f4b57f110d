"""Rows that say who belongs to whom: a follow, a like, a block. Id sets are derived from them."""

from typing import Any, NoReturn

from django.db import NotSupportedError, models, router

from . import holds


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
    """Edges are made and ended one by one: writes of many rows that send no signals are refused."""

    def delete(self) -> tuple[int, dict[str, int]]:
        self._for_write = True
        with holds.transaction_of(self.db):
            return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]

    def update(self, **changes: Any) -> NoReturn:
        self._refuse("update()")

    def bulk_create(self, *args: Any, **options: Any) -> NoReturn:
        self._refuse("bulk_create()")

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

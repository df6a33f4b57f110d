"""Base classes of models."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.db import models, router

from ..options import Cached
from ..writing.declarations import held_declarations
from ..writing.transactions import atomic_write
from . import signals  # noqa: F401  sees every model that is prepared from here on
from .managers import CachedManager


class TransactionalModel(models.Model):
    """Saves and deletes in a transaction whose holds are lifted at once if the database refuses the write."""

    class Meta:
        abstract = True

    def save_base(self, *args: Any, **options: Any) -> None:
        using = options.get("using") or router.db_for_write(type(self), instance=self)
        with atomic_write(using):
            super().save_base(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        with atomic_write(options.get("using") or router.db_for_write(type(self), instance=self)):
            return super().delete(*args, **options)


class CachedModel(TransactionalModel):
    """Base of cached models; concrete ones declare `cached = Cached(…)` and inherit from this Meta."""

    cached: ClassVar[Cached] = Cached()
    is_from_cache = False

    objects: ClassVar[CachedManager[Self]] = CachedManager()

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
        with atomic_write(using):
            # Before Django collects what points here: from now on nothing more can, and refuse the deletion.
            if held_declarations(type(self)):
                type(self)._base_manager.using(using).select_for_update().filter(pk=self.pk).values_list("pk").first()
            return super().delete(*args, **options)

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        if fields is None:
            self.is_from_cache = False

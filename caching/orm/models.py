"""Base classes of models."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.db import models, router

from ..options import Cached
from ..writing.declarations import heard
from ..writing.deletion import locked_rows
from ..writing.transactions import atomic_write
from . import signals  # noqa: F401  sees every model that is prepared from here on
from .managers import CachedManager
from .querysets import CachedQuerySet, HoldingQuerySet


class TransactionalModel(models.Model):
    """Deletes in a transaction from the first read on; its holds are lifted at once if the database refuses."""

    queryset_class: ClassVar[type[HoldingQuerySet]]
    """Of the base manager, through which Django updates related rows."""

    class Meta:
        abstract = True

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        with atomic_write(using or router.db_for_write(type(self), instance=self)):
            return super().delete(using=using, keep_parents=keep_parents)


class CachedModel(TransactionalModel):
    """Base of cached models; concrete ones declare `cached = Cached(…)`."""

    cached: ClassVar[Cached] = Cached()
    queryset_class = CachedQuerySet
    is_from_cache = False

    objects: ClassVar[CachedManager[Self]] = CachedManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        is_copy = self.is_from_cache and options.get("update_fields") is None and len(args) < 4
        if is_copy:
            self._check_copy(force_insert=bool(options.get("force_insert")))
        super().save(*args, **options)
        if is_copy:
            self.is_from_cache = False

    def _check_copy(self, *, force_insert: bool) -> None:
        """Raise ValueError unless the save inserts a copy that lacks no column."""
        name = self._meta.object_name
        if not (force_insert or self._is_new()):
            raise ValueError(
                f"This {name} was read from the cache, and saving all of it could undo newer writes: name the "
                "update_fields, use objects.update_one(), or read by objects.get() what is to be edited as a whole "
                "(the instance of a form or a serializer: get_queryset() of a view)."
            )
        if lacking := sorted(self.get_deferred_fields()):
            raise ValueError(
                f"This copy of a {name} lacks {', '.join(lacking)}, which the cache does not hold: copy an instance "
                "that was read by objects.get()."
            )

    def _is_new(self) -> bool:
        """Return whether Django will insert this instance without a try to update a row."""
        keys = [parent._meta.pk for parent in (self, *self._meta.all_parents)]
        chosen = self._state.adding and all(key.has_default() or key.has_db_default() for key in keys)
        return chosen or all(getattr(self, key.attname) is None for key in keys)

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        alias = using or router.db_for_write(type(self), instance=self)
        with atomic_write(alias):
            # Before Django collects what points here: from now on nothing more can, and refuse the deletion.
            concrete: Any = self._meta.concrete_model
            rows = locked_rows(concrete, [self.pk], alias) if heard(concrete) else ()
            self.locked_rows = {concrete: {row.pk: row for row in rows}}
            try:
                return super().delete(using=using, keep_parents=keep_parents)
            finally:
                del self.locked_rows

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        if fields is None and (from_queryset is None or from_queryset.query.deferred_loading == (set(), True)):
            self.is_from_cache = False

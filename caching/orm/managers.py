"""The verbs by which the cache is used; `objects.get()` and `filter()` stay what they are in Django."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models, router

from .. import registry
from ..databases import database_of, is_namesake, primary_of
from ..entries.rows import rows_of
from ..entries.source import Found
from ..protocol.invalidation import invalidate
from ..reading import inspect
from ..reading.batch import Batch, read_rows
from ..reading.results import check_columns, instance_of
from ..reading.unique import find
from ..writing.transactions import atomic_write
from .querysets import CachedQuerySet


class CachedManager(models.Manager.from_queryset(CachedQuerySet)):  # type: ignore[misc]
    """The verbs of a cached model: reads use Redis first, and the database under a lease; writes invalidate."""

    @property
    def _alias(self) -> str | None:
        """The database that `db_manager()` has named."""
        return self._db and primary_of(self._db)

    def get_one(self, pk: Any = None, **lookup: Any) -> Any:
        """Return the instance with this pk, or with this value of a declared unique lookup: `get_one(username="ann")`.

        Columns that are never cached are deferred. Raises DoesNotExist, and ValidationError for a pk of a wrong type.
        """
        if (pk is None) == (not lookup) or len(lookup) > 1:
            raise TypeError("get_one() takes a primary key or one unique lookup.")
        if lookup:
            row = find(self.model, *lookup.popitem(), self._alias)
            found = [] if row is None else [instance_of(self.model, row, rows_of(self.model, self._alias))]
        else:
            found = self.get_some([pk]).results
        if not found:
            raise self.model.DoesNotExist(f"{self.model._meta.object_name} does not exist.")
        return found[0]

    def get_some(self, pks: Iterable[Any]) -> Found[Any]:
        """Return the instances with these pks in the order asked, each once, and the pks that no row has."""
        return read_rows(self.model, pks, self._alias).instances()

    def get_one_cols(self, pk: Any, *columns: str) -> dict[str, Any]:
        """Return the named columns (default: all that are cached) of one row; raises DoesNotExist and FieldError."""
        found = self.get_some_cols([pk], *columns)
        if found.missing:
            raise self.model.DoesNotExist(f"{self.model._meta.object_name} does not exist.")
        return found.results[0]

    def get_some_cols(self, pks: Iterable[Any], *columns: str) -> Found[dict[str, Any]]:
        """Return dicts of columns, at a tenth of the cost of instances, and missing pks; raises FieldError."""
        check_columns(self.model, columns)
        return read_rows(self.model, pks, self._alias).cols(*columns)

    def create_one(self, **fields: Any) -> Any:
        """Insert a row; a refused insert (IntegrityError) leaves nothing held."""
        return self.create(**fields)

    def update_one(self, pk: Any, **changes: Any) -> Any:
        """Lock the row, change the named fields alone, return the instance; raises DoesNotExist."""
        with atomic_write(using := self._db or router.db_for_write(self.model)):
            instance = self.using(using).select_for_update().get(pk=pk)
            for name, value in changes.items():
                setattr(instance, name, value)
            instance.save(update_fields=list(changes))
            return instance

    def hydrate(self, instances: Sequence[Any], *relations: str) -> None:
        """Fill foreign keys to cached models' primary keys, one round trip for all; a dangling one stays unfilled."""
        batch = Batch()
        fields = [self.model._meta.get_field(relation) for relation in relations]
        for field in fields:
            if not field.target_field.primary_key or not hasattr(field.related_model, "cached"):
                raise TypeError(
                    f"hydrate() follows foreign keys to cached models' primary keys: {field.name!r} is none."
                )
        asked = [(field, *each) for field in fields for each in _by_database(field.related_model, instances)]
        pks = [{getattr(each, field.attname) for each in those} - {None} for field, _, those in asked]
        rows = [
            batch.rows(field.related_model, wanted, using) for (field, using, _), wanted in zip(asked, pks, strict=True)
        ]
        batch.run()
        for (field, _, those), wanted, found in zip(asked, pks, rows, strict=True):
            related = {pk: found.instance(pk) for pk in wanted}
            for instance in those:
                if (one := related.get(getattr(instance, field.attname))) is not None:
                    field.set_cached_value(instance, one)

    def cache_entry(self, pk: Any) -> str:
        """Return the state of a row's entry in words, for operators."""
        return inspect.describe(self.model, pk, self._alias)

    def invalidate(self) -> int:
        """Delete all entries of the model's rows and of what is derived from them, and return how many, after writes
        that the cache cannot see. In a transaction, do so at once and again after its commit.

        Raises redis.RedisError or OSError when Redis cannot be reached.
        """
        declarations = registry.declarations_of(self.model)
        prefixes = [prefix for declaration in declarations for prefix in declaration.key_prefixes()]
        return invalidate(prefixes, using=[router.db_for_write(self.model)])

    def drop_entry(self, pk: Any) -> None:
        """Delete a row's entry, so that the next reader loads it anew; a writer's hold stays."""
        inspect.drop(self.model, pk, self._alias)


def _by_database(related: Any, instances: Iterable[Any]) -> list[tuple[str, list[Any]]]:
    """Return instances by the database in which the rows that they point to are."""
    groups: dict[str, list[Any]] = {}
    for those in _by_alias(instances).values():
        usual = database_of(related)
        using = primary_of(router.db_for_write(related, instance=those[0]))
        if not router.routers and is_namesake(using, usual):  # read from a replica
            using = usual
        groups.setdefault(using, []).extend(those)
    return list(groups.items())


def _by_alias(instances: Iterable[Any]) -> dict[str | None, list[Any]]:
    groups: dict[str | None, list[Any]] = {}
    for instance in instances:
        groups.setdefault(instance._state.db, []).append(instance)
    return groups

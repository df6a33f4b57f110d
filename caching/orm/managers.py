"""The verbs by which the cache is used; `objects.get()` and `filter()` stay what they are in Django."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models

from .. import registry
from ..blocking import refuse_in_event_loop
from ..databases import database_of, primary_of
from ..entries.rows import rows_of
from ..entries.source import Found
from ..protocol.invalidation import prefixes_of
from ..reading import inspect
from ..reading.batch import Batch, read_rows
from ..reading.results import RowsResult, check_columns, instance_of
from ..reading.unique import find
from ..writing.invalidation import invalidate
from ..writing.transactions import atomic_write
from .answers import check_one_question, does_not_exist, only
from .async_verbs import AsyncVerbs, M
from .querysets import CachedQuerySet
from .scope import EVERYTHING, Scope, database_beside, scope_of

if TYPE_CHECKING:  # the manager of Django's stubs, which is generic
    from django.db.models import Manager as _Manager
else:
    _Manager = models.Manager.from_queryset(CachedQuerySet)


class CachedManager(AsyncVerbs[M], _Manager[M]):
    """The verbs of a cached model: reads use Redis first, and the database under a lease; writes invalidate."""

    @property
    def _alias(self) -> str:
        """The database that `db_manager()` has named, by default the one that the router names now."""
        return primary_of(self._db) if self._db else database_of(self.model)

    def _scope(self) -> Scope:
        """Return which rows the verbs may answer."""
        if type(self).get_queryset is CachedManager.get_queryset and self._db is None:
            return EVERYTHING
        return scope_of(self)

    def _rows(self, pks: Iterable[Any]) -> RowsResult[M]:
        using, admits = self._scope()
        rows: RowsResult[M] = read_rows(self.model, pks, using)
        if admits is not None:
            rows.keep(admits)
        return rows

    def get_one(self, pk: Any = None, **lookup: Any) -> M:
        """Return the instance with this pk, or with this value of a declared unique lookup: `get_one(username="ann")`.

        Columns that are never cached are deferred. Raises DoesNotExist, and ValidationError for a pk of a wrong type.
        """
        refuse_in_event_loop("get_one()", "aget_one()")
        if pk is None or lookup:
            return self._found_by(pk, lookup)
        if found := self._rows([pk]).instances().results:
            return found[0]
        raise does_not_exist(self.model)

    def _found_by(self, pk: Any, lookup: dict[str, Any]) -> M:
        check_one_question(pk, lookup)
        model: Any = self.model
        using, admits = self._scope()
        row = find(model, *lookup.popitem(), using)
        if row is None or not (admits is None or admits(row)):
            raise does_not_exist(model)
        instance: M = instance_of(model, row, rows_of(model, using))
        return instance

    def get_some(self, pks: Iterable[Any]) -> Found[M]:
        """Return the instances with these pks in the order asked, each once, and the pks that no row has."""
        refuse_in_event_loop("get_some()", "aget_some()")
        return self._rows(pks).instances()

    def get_one_cols(self, pk: Any, *columns: str) -> dict[str, Any]:
        """Return the named columns (default: all that are cached) of one row; raises DoesNotExist and FieldError."""
        refuse_in_event_loop("get_one_cols()", "aget_one_cols()")
        return only(self.model, self.get_some_cols([pk], *columns))

    def get_some_cols(self, pks: Iterable[Any], *columns: str) -> Found[dict[str, Any]]:
        """Return dicts of columns, at a tenth of the cost of instances, and missing pks; raises FieldError."""
        refuse_in_event_loop("get_some_cols()", "aget_some_cols()")
        check_columns(self.model, columns)
        return self._rows(pks).cols(*columns)

    def create_one(self, **fields: Any) -> M:
        """Insert a row; a refused insert (IntegrityError) leaves nothing held."""
        refuse_in_event_loop("create_one()", "acreate_one()")
        return self.create(**fields)

    def update_one(self, pk: Any, **changes: Any) -> M:
        """Lock the row, change the named fields alone, return the instance; raises DoesNotExist."""
        refuse_in_event_loop("update_one()", "aupdate_one()")
        queryset: Any = self.get_queryset()
        rows: CachedQuerySet = queryset.for_write()
        with atomic_write(rows.db):
            instance: M = rows.lock_one(pk)
            for name, value in changes.items():
                setattr(instance, name, value)
            instance.save(using=rows.db, update_fields=list(changes))
            return instance

    def hydrate(self, instances: Sequence[Any], *relations: str) -> None:
        """Fill foreign keys to cached models' primary keys, one round trip for all; a dangling one stays unfilled."""
        batch = Batch()
        fields: list[Any] = [self.model._meta.get_field(relation) for relation in relations]
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
        using = [self._alias]
        heard = (declaration for _, declaration in registry.heard(self.model))
        return invalidate(prefixes_of(heard, using), using=using)

    def drop_entry(self, pk: Any) -> None:
        """Delete a row's entry, so that the next reader loads it anew; a writer's hold stays."""
        inspect.drop(self.model, pk, self._alias)


def _by_database(related: Any, instances: Iterable[Any]) -> list[tuple[str, list[Any]]]:
    """Return instances by the database in which the rows that they point to are."""
    groups: dict[str, list[Any]] = {}
    for those in _by_alias(instances).values():
        groups.setdefault(database_beside(related, those[0]), []).extend(those)
    return list(groups.items())


def _by_alias(instances: Iterable[Any]) -> dict[str | None, list[Any]]:
    groups: dict[str | None, list[Any]] = {}
    for instance in instances:
        groups.setdefault(instance._state.db, []).append(instance)
    return groups

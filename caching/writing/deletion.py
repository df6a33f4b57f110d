"""Deletions: everything that Django's Collector is going to delete or update is held before its first statement.

Rows are locked and read again where entries depend on their values: another writer may have moved them since they were
collected. A row that is to be updated is updated by its key, in whichever way its `on_delete` has collected it.
"""

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet, signals
from django.db.models.deletion import Collector

from .. import registry
from ..cacheable import all_rows
from ..conf import conf
from ..registry import Declaration
from . import bulk_signals
from .declarations import Touched, chunks, is_followed
from .partitions import delete_locked, partition_of, partition_of_one
from .transactions import atomic_write

_original = Collector.delete


def install() -> None:
    """Have Collector.delete hold what it writes; calling it again changes nothing."""
    Collector.delete = _delete  # type: ignore[method-assign, assignment]


def locked_rows(model: Any, pks: list[Any], using: str, **partition: Any) -> Iterator[Any]:
    """Lock rows of a concrete model; yield instances that have the columns that entries depend on.

    `partition` are further conditions, which all rows fulfil, on the column that the table may be partitioned by.
    """
    columns = {column for declaration in _own(model) for column in declaration.columns()}
    rows = all_rows(model, using).select_for_update().only("pk", *columns).filter(**partition)
    for chunk in chunks(pks):
        yield from rows.filter(pk__in=chunk)


def _delete(collector: Any) -> tuple[int, dict[str, int]]:
    updated = [field.model for field, _ in collector.field_updates]
    fast = [each.model for each in collector.fast_deletes]
    if not any(map(is_followed, (*collector.data, *updated, *fast))):
        return _original(collector)
    with atomic_write(collector.using):
        rows = _CollectedRows(collector)
        rows.hold()
        result = _delete_partitioned(collector) if _is_partitioned(collector) else _original(collector)
        rows.note()
    return result


def _is_partitioned(collector: Any) -> bool:
    """Return whether nothing but rows of one model are deleted, whose table may be partitioned."""
    (model, *others) = collector.data or (None,)
    return bool(partition_of(model) and not (others or collector.field_updates or collector.fast_deletes))


def _delete_partitioned(collector: Any) -> tuple[int, dict[str, int]]:
    """Delete as Django does, but name the partitions of the rows beside their primary keys."""
    ((model, instances),) = collector.data.items()
    rows = sorted(instances, key=attrgetter("pk"))
    told = {"sender": model, "using": collector.using, "origin": collector.origin}
    for row in rows:
        signals.pre_delete.send(instance=row, **told)
    deleted = sum(delete_locked(model, chunk, collector.using) for chunk in chunks(rows))
    for row in rows:
        signals.post_delete.send(instance=row, **told)
    for row in rows:
        row.pk = None
    return deleted, {model._meta.label: deleted}


class _CollectedRows:
    """The rows that a Collector is going to delete or update, as far as anything is derived from them."""

    def __init__(self, collector: Any) -> None:
        self._using: str = collector.using
        self._locked: dict[Any, dict[Any, Any]] = getattr(collector.origin, "locked_rows", {})
        self._deleted: dict[Any, set[Any]] = {}  # by concrete model, primary keys
        self._stored: dict[Declaration, list[Any]] = {}  # the rows to be deleted, as they are in the database
        self._updated: dict[Any, tuple[set[Any], set[str]]] = {}  # by concrete model, primary keys and columns
        _collect_fast_deletes(collector)
        self._collected = collector.data
        for model, instances in collector.data.items():
            if instances:
                self._deleted.setdefault(model._meta.concrete_model, set()).update(each.pk for each in instances)
        for (field, _), collected in collector.field_updates.items():
            if is_followed(field.model):
                collected[:] = map(_evaluated, collected)
                self._add_updated(field.attname, (row for rows in collected for row in rows))

    def _add_updated(self, column: str, rows: Iterable[Any]) -> None:
        for row in rows:
            model = type(row)._meta.concrete_model
            if row.pk not in self._deleted.get(model, ()):
                pks, columns = self._updated.setdefault(model, (set(), set()))
                pks.add(row.pk)
                columns.add(column)

    def hold(self) -> None:
        """Hold the entries of all rows in one round trip, and announce the updates."""
        touched, changed = Touched(), Touched()
        for model, pks in self._deleted.items():
            self._add_deleted(touched, model, list(pks))
        for model, (pks, columns) in self._updated.items():
            changed.add_stored(model, list(pks), columns, self._using)
        touched.keys |= changed.keys
        touched.kept |= changed.kept
        touched.hold(self._using, drop=changed.kept)
        self._announce(bulk_signals.updating)

    def _add_deleted(self, touched: Touched, model: Any, pks: list[Any]) -> None:
        """Add rows of one table: Django collects those of parents and children by themselves."""
        own = _own(model)
        rows = list(self._rows(model, pks)) if any(declaration.columns() for declaration in own) else []
        for declaration in own:
            touched.add(declaration, declaration.keys_of_pks(pks, self._using))
            for row in rows:
                touched.add(declaration, declaration.keys_of(row, self._using, ()))
            self._stored[declaration] = rows

    def _rows(self, model: Any, pks: list[Any]) -> Iterable[Any]:
        known = self._locked.get(model, {})
        yield from (known[pk] for pk in pks if pk in known)
        partition = partition_of_one(self._collected.get(model, ()))
        yield from locked_rows(model, [pk for pk in pks if pk not in known], self._using, **partition)

    def note(self) -> None:
        """Tell the transaction what was deleted, and hold what updated rows lead to by now."""
        for declaration, rows in self._stored.items():
            for row in rows:
                declaration.note_deleted(self._using, row)
        touched = Touched()
        for model, (pks, columns) in self._updated.items():
            touched.add_updated(model, list(pks), columns, self._using)
        touched.hold(self._using, drop=touched.kept)
        self._announce(bulk_signals.updated)

    def _announce(self, signal: Any) -> None:
        for model, (pks, columns) in self._updated.items():
            for chunk in chunks(list(pks)):
                signal.send(model, pks=chunk, columns=columns, using=self._using)


def _own(model: Any) -> list[Declaration]:
    return registry.declarations_of(model) if conf().enabled else []


def _collect_fast_deletes(collector: Any) -> None:
    """Have rows deleted one by one that an `on_delete` wanted to delete unread."""
    for rows in [each for each in collector.fast_deletes if is_followed(each.model)]:
        collector.fast_deletes.remove(rows)
        if found := list(rows):
            before = collector.data.pop(rows.model, set())
            collector.data = {rows.model: {*before, *found}, **collector.data}  # before what they may point to


def _evaluated(rows: Any) -> Any:
    """Return a list of the rows to be updated; Django updates such a list by primary key."""
    if isinstance(rows, QuerySet) and rows._result_cache is None:
        return list(rows.select_related(None).select_for_update().only("pk"))
    return rows

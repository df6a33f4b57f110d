"""Signal receivers that append to the delta log what the writes of counted rows change."""

from collections import Counter
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from django.db import connections, transaction
from django.db.models import Model, signals

from caching.extend import deleting, inserted, updated, updating
from counters import deltas, registry
from counters.deltas import Amounts

_NOBODY: Mapping[str, Any] = MappingProxyType({})
_BEFORE = "_counted_before"  # the attribute in which pre-signals leave the contributions to the post-signals


def watch(model: type[Model]) -> None:
    """Connect the receivers to the writes of a model; calling it again changes nothing."""
    for signal, receiver in (
        (signals.pre_save, _before_save),
        (signals.post_save, _after_save),
        (signals.pre_delete, _before_delete),
        (signals.post_delete, _after_delete),
        (deleting, _before_deletion_of_many),
        (inserted, _after_insert),
        (updating, _before_update),
        (updated, _after_update),
    ):
        uid = f"counters.{model._meta.label}.{receiver.__name__}"
        signal.connect(receiver, sender=model, dispatch_uid=uid)


def _before_save(
    *, sender: type[Model], instance: Any, using: str, update_fields: Collection[str] | None, **_: Any
) -> None:
    if not _concerns(sender, update_fields):
        return
    if not connections[using].in_atomic_block:
        raise transaction.TransactionManagementError(
            f"{sender._meta.label} is counted: save it inside transaction.atomic(), or derive it from "
            "caching.EdgeModel."
        )
    setattr(instance, _BEFORE, Counter() if instance.pk is None else _stored(sender, [instance.pk], using, lock=True))


def _after_save(
    *, sender: type[Model], instance: Any, using: str, created: bool, update_fields: Collection[str] | None, **_: Any
) -> None:
    if not _concerns(sender, update_fields):
        return
    amounts = _contributions(sender, [instance], using) if created else _stored(sender, [instance.pk], using)
    if before := instance.__dict__.pop(_BEFORE):
        amounts.subtract(before)
    deltas.append_deltas(using, amounts)


def _before_delete(*, sender: type[Model], instance: Any, using: str, is_locked: bool = False, **_: Any) -> None:
    if is_locked:  # by caching.api.delete_edge
        amounts = _contributions(sender, [instance], using)
    else:
        # Of two concurrent deletions, the one that waits for the lock finds no row, and then changes no counter.
        column = getattr(sender, "partitioned_by", "")  # see caching.api.EdgeModel
        owner = {column: getattr(instance, column)} if column else {}
        amounts = _stored(sender, [instance.pk], using, lock=True, owner=owner)
    setattr(instance, _BEFORE, amounts)


def _after_delete(*, sender: type[Model], instance: Any, using: str, **_: Any) -> None:
    deltas.append_deltas(using, _negated(instance.__dict__.pop(_BEFORE)))


def _before_deletion_of_many(
    *, sender: type[Model], pks: list[Any], owner: Mapping[str, int], using: str, **_: Any
) -> None:
    deltas.append_deltas(using, _negated(_stored(sender, pks, using, owner=owner)))


def _after_insert(*, sender: type[Model], instances: list[Any], using: str, **_: Any) -> None:
    deltas.append_deltas(using, _contributions(sender, instances, using))


def _before_update(*, sender: type[Model], pks: list[Any], columns: Collection[str], using: str, **_: Any) -> None:
    if _concerns(sender, columns):
        deltas.append_deltas(using, _negated(_stored(sender, pks, using)))


def _after_update(*, sender: type[Model], pks: list[Any], columns: Collection[str], using: str, **_: Any) -> None:
    if _concerns(sender, columns):
        deltas.append_deltas(using, _stored(sender, pks, using))


def _concerns(model: type[Model], update_fields: Collection[str] | None) -> bool:
    """Return whether writing these columns (None: all) can change a counter."""
    if update_fields is None:
        return True
    fields: list[Any] = [field for field in model._meta.concrete_fields if field.name in update_fields]
    written = {field.attname for field in fields} | set(update_fields)
    return any(counter.where or counter.columns() & written for _, _, counter in registry.counters_fed_by(model))


def _negated(amounts: Amounts) -> Amounts:
    return Counter({counter: -amount for counter, amount in amounts.items()})


def _contributions(model: type[Model], instances: list[Any], using: str) -> Amounts:
    """Return the contributions of rows that are as their instances say; queries the database only if these are not
    enough."""
    amounts: Amounts = Counter()
    for instance in instances:
        for kind, name, counter in registry.counters_fed_by(model):
            contribution = counter.contribution_of(instance)
            if contribution is None:
                return _stored(model, [instance.pk for instance in instances], using)
            if (owner := getattr(instance, counter.owner)) is not None:
                amounts[kind, owner, name] += contribution
    return amounts


def _stored(
    model: type[Model], pks: list[Any], using: str, *, lock: bool = False, owner: Mapping[str, Any] = _NOBODY
) -> Amounts:
    """Return the contributions of rows as they are in the database; missing rows contribute nothing.

    `owner` is a column by which the table may be partitioned, with the value that all rows have in it.
    """
    fed = registry.counters_fed_by(model)
    rows = model._base_manager.using(using).filter(pk__in=pks, **owner).order_by()
    amount_columns = [counter.contribution() for _, _, counter in fed]
    if lock:
        rows = rows.select_for_update()
    amounts: Amounts = Counter()
    for row in rows.values_list(*(counter.owner for _, _, counter in fed), *amount_columns):
        for (kind, name, _), target, amount in zip(fed, row, row[len(fed) :], strict=False):
            if target is not None and amount:
                amounts[kind, target, name] += amount
    return amounts

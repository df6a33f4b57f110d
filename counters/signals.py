"""Edge rows being saved and deleted, one or many, by whoever does it: each appends what it changes to the delta log."""

from collections import Counter
from collections.abc import Collection
from typing import Any

from django.db import connections, transaction
from django.db.models import Case, IntegerField, Model, Q, Value, When, signals

from caching.extend import inserted, updated, updating
from counters import aggregates, deltas, registry
from counters.deltas import Amounts

_BEFORE = "_counted_before"


def watch(model: type[Model]) -> None:
    """Follow this model's writes; may be called again."""
    for signal, receiver in (
        (signals.pre_save, _before_save),
        (signals.post_save, _after_save),
        (signals.pre_delete, _before_delete),
        (signals.post_delete, _after_delete),
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
    setattr(instance, _BEFORE, Counter() if instance.pk is None else _locked_part(sender, instance.pk, using))


def _after_save(
    *, sender: type[Model], instance: Any, using: str, created: bool, update_fields: Collection[str] | None, **_: Any
) -> None:
    if not _concerns(sender, update_fields):
        return
    amounts = _part_of_new(sender, [instance], using) if created else _part(sender, [instance.pk], using)
    amounts.subtract(instance.__dict__.pop(_BEFORE))
    deltas.append_deltas(using, amounts)


def _before_delete(*, sender: type[Model], instance: Any, using: str, **_: Any) -> None:
    # Two may delete one row at once. The lock lets one of them see that the row is gone; it then changes nothing.
    setattr(instance, _BEFORE, _locked_part(sender, instance.pk, using))


def _after_delete(*, sender: type[Model], instance: Any, using: str, **_: Any) -> None:
    amounts: Amounts = Counter()
    amounts.subtract(instance.__dict__.pop(_BEFORE))
    deltas.append_deltas(using, amounts)


def _after_insert(*, sender: type[Model], instances: list[Any], using: str, **_: Any) -> None:
    deltas.append_deltas(using, _part_of_new(sender, instances, using))


def _before_update(*, sender: type[Model], pks: list[Any], columns: Collection[str], using: str, **_: Any) -> None:
    if _concerns(sender, columns):
        amounts: Amounts = Counter()
        amounts.subtract(_part(sender, pks, using))
        deltas.append_deltas(using, amounts)


def _after_update(*, sender: type[Model], pks: list[Any], columns: Collection[str], using: str, **_: Any) -> None:
    if _concerns(sender, columns):
        deltas.append_deltas(using, _part(sender, pks, using))


def _concerns(model: type[Model], update_fields: Collection[str] | None) -> bool:
    """Whether writing these columns (None: all) can change a counter."""
    if update_fields is None:
        return True
    fields: list[Any] = [field for field in model._meta.concrete_fields if field.name in update_fields]
    written = {field.attname for field in fields} | set(update_fields)
    return any(counter.where or counter.columns() & written for _, _, counter in registry.counters_fed_by(model))


def _part_of_new(model: type[Model], instances: list[Any], using: str) -> Amounts:
    """What new rows add; the database is asked only if a condition or a sum cannot be told from an instance."""
    amounts: Amounts = Counter()
    for instance in instances:
        for kind, name, counter in registry.counters_fed_by(model):
            part = counter.contribution_of(instance)
            if part is None:
                return _part(model, [instance.pk for instance in instances], using)
            if (owner := getattr(instance, counter.owner)) is not None:
                amounts[kind, owner, name] += part
    return amounts


def _locked_part(model: type[Model], pk: Any, using: str) -> Amounts:
    return _part(model, [pk], using, lock=True)


def _part(model: type[Model], pks: list[Any], using: str, *, lock: bool = False) -> Amounts:
    """What rows, as they are in the database, add to each counter; nothing for those that are not there."""
    fed = registry.counters_fed_by(model)
    rows = model._base_manager.using(using).filter(pk__in=pks).order_by()
    weights = {f"_weight{at}": _weight(counter) for at, (_, _, counter) in enumerate(fed)}
    if lock:
        rows = rows.select_for_update()
    amounts: Amounts = Counter()
    for row in rows.values_list(*(counter.owner for _, _, counter in fed), *weights.values()):
        for (kind, name, _), owner, weight in zip(fed, row, row[len(fed) :], strict=False):
            if owner is not None and weight:
                amounts[kind, owner, name] += weight
    return amounts


def _weight(counter: aggregates.CountOf) -> Case:
    then = counter.column or Value(1)
    return Case(When(counter.where or Q(pk__isnull=False), then=then), default=0, output_field=IntegerField())

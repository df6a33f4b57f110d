"""Writes that the framework sees being made: save() and delete(), by whoever calls them."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db.models import signals

from caching import holds, registry
from caching.codec import codec_of
from caching.options import Cached
from caching.sources import lookup_keys, row_keys

if TYPE_CHECKING:
    from caching.managers import CachedModel


def watch(*, sender: "type[CachedModel]", **_: Any) -> None:
    """Register a cached model as soon as Django has prepared its class; proxies too, they write the same rows."""
    if not isinstance(getattr(sender, "cached", None), Cached):
        return
    registry.register(sender)
    signals.pre_save.connect(_before_save, sender=sender, dispatch_uid=f"caching.{id(sender)}.pre_save")
    signals.post_save.connect(_after_save, sender=sender, dispatch_uid=f"caching.{id(sender)}.post_save")
    signals.pre_delete.connect(_before_delete, sender=sender, dispatch_uid=f"caching.{id(sender)}.pre_delete")


def concerns_entries(model: "type[CachedModel]", columns: Collection[str] | None) -> bool:
    """Whether writing these columns (None: all) changes what any entry says."""
    if columns is None:
        return True
    return any(not codec_of(relative).names.isdisjoint(columns) for relative in registry.family(model))


def _before_save(
    *, sender: "type[CachedModel]", instance: Any, using: str, update_fields: Collection[str] | None, **_: Any
) -> None:
    if not concerns_entries(sender, update_fields):
        return
    rows = [] if instance.pk is None else row_keys(sender, [instance.pk])
    holds.hold(using, rows + lookup_keys(sender, _written(sender, instance, update_fields)))


def _written(sender: "type[CachedModel]", instance: Any, update_fields: Collection[str] | None) -> dict[str, Any]:
    values: dict[str, Any] = instance.__dict__
    if update_fields is None:
        return values
    fields = [
        each for each in sender._meta.concrete_fields if each.name in update_fields or each.attname in update_fields
    ]
    return {field.attname: values[field.attname] for field in fields if field.attname in values}


def _after_save(*, sender: "type[CachedModel]", instance: Any, using: str, created: bool, **_: Any) -> None:
    if created:
        # The database has chosen the pk only now; a "no such row" under it must not outlive the commit.
        holds.hold(using, row_keys(sender, [instance.pk]))


def _before_delete(*, sender: "type[CachedModel]", instance: Any, using: str, **_: Any) -> None:
    holds.hold(using, row_keys(sender, [instance.pk]))


signals.class_prepared.connect(watch, dispatch_uid="caching.watch")

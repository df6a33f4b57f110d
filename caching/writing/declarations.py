"""What a write holds: the keys of everything that is derived from its rows, in one round trip, before its SQL."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.db.models import signals

from .. import registry
from ..registry import Declaration
from .transactions import change_set, hold_keys


def declare(model: Any, declaration: Declaration) -> None:
    """Have every write of a model's rows hold the declared entries: save(), delete(), the QuerySets of caching.orm."""
    registry.declare(model, declaration)
    watch(model)


def watch(model: Any) -> None:
    """Follow the writes that Django signals of this class; a proxy class has signals of its own."""
    for signal, receiver in (
        (signals.pre_save, _before_save),
        (signals.post_save, _after_save),
        (signals.pre_delete, _before_delete),
        (signals.post_delete, _after_delete),
    ):
        signal.connect(receiver, sender=model, dispatch_uid=f"caching.{id(model)}.{receiver.__name__}")


def hold_instances(using: str, instances: Iterable[Any]) -> None:
    """Hold in one round trip what inserting or deleting these instances of any models will touch.

    For several writes of one transaction, before the first.
    """
    touched = _Touched()
    for instance in instances:
        columns = None if instance._state.adding else ()
        for declaration in registry.declarations_of(type(instance)):
            touched.add(declaration, declaration.keys_of(instance, using, columns))
    touched.hold(using)


def hold_stored(using: str, model: Any, pks: list[Any], columns: Collection[str] | None = None) -> None:
    """Hold what a write of these columns (None: all, or a deletion) of stored rows touches."""
    _hold(using, model, columns, lambda each: each.stored_keys(pks, using), drop_kept=columns is not None)


def hold_updated(using: str, model: Any, pks: list[Any], columns: Collection[str]) -> None:
    """Hold what rows lead to after an UPDATE of these columns; nobody else can see the new values before the commit."""
    _hold(using, model, columns, lambda each: each.keys_after_update(pks, using, columns), drop_kept=True)


def note_inserted(using: str, model: Any, instances: list[Any]) -> None:
    """Tell the transaction of rows that a bulk insert has made."""
    for declaration in registry.declarations_of(model):
        declaration.note_inserted(using, instances)


class _Touched:
    """The keys that a write touches; those of id sets, which a hold keeps, apart."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.kept: set[str] = set()

    def add(self, declaration: Declaration, keys: Iterable[str]) -> None:
        (self.kept if declaration.keeps else self.keys).update(keys)

    def hold(self, using: str, *, drop: Iterable[str] = ()) -> None:
        """`drop`: sets that the lift must not keep after all, because their change is not known."""
        hold_keys(using, self.keys, kept=self.kept)
        for key in drop:
            change_set(using, key, None)


def _hold(
    using: str, model: Any, columns: Collection[str] | None, keys_of: Callable[[Declaration], Iterable[str]],
    *, drop_kept: bool = False,
) -> None:  # fmt: skip
    touched = _Touched()
    for declaration in registry.declarations_of(model):
        if declaration.concerns(columns):
            touched.add(declaration, keys_of(declaration))
    touched.hold(using, drop=touched.kept if drop_kept else ())


def _before_save(*, sender: Any, instance: Any, using: str, update_fields: Collection[str] | None, **_: Any) -> None:
    touched, left = _Touched(), set()
    for declaration in registry.declarations_of(sender):
        if declaration.concerns(update_fields):
            own = set(declaration.keys_of(instance, using, update_fields))
            # The row may have been moved here from another owner, by an instance that was made by hand as well.
            stored = set() if instance.pk is None else set(declaration.stored_keys([instance.pk], using))
            touched.add(declaration, own | stored)
            left |= stored - own if declaration.keeps else set()
    touched.hold(using, drop=left)


def _after_save(
    *, sender: Any, instance: Any, using: str, created: bool, update_fields: Collection[str] | None, **_: Any
) -> None:
    for declaration in registry.declarations_of(sender):
        if created:
            declaration.note_inserted(using, [instance])
        elif declaration.concerns(update_fields):
            declaration.note_changed(using, instance)


def _before_delete(*, sender: Any, instance: Any, using: str, **_: Any) -> None:
    _hold(using, sender, None, lambda each: each.keys_of(instance, using, ()))


def _after_delete(*, sender: Any, instance: Any, using: str, **_: Any) -> None:
    for declaration in registry.declarations_of(sender):
        declaration.note_deleted(using, instance)

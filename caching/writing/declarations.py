"""What a write holds: the keys of everything that is derived from its rows, in one round trip, before its SQL."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.db.models import signals

from .. import family, registry
from ..conf import conf
from ..family import CHUNK, Relative
from ..registry import Declaration
from . import bulk_signals
from .transactions import change_set, hold_keys


def declare(model: Any, declaration: Declaration) -> None:
    """Have every write of a model's rows hold the declared entries: save(), delete(), the QuerySets of caching.orm."""
    registry.declare(model, declaration)
    for each in family.classes(model):
        watch(each)


def watch(model: Any) -> None:
    """Follow the writes that Django signals of this class; a proxy or a child has signals of its own."""
    for signal, receiver in (
        (signals.pre_save, _before_save),
        (signals.post_save, _after_save),
        (signals.pre_delete, _before_delete),
    ):
        signal.connect(receiver, sender=model, dispatch_uid=f"caching.{id(model)}.{receiver.__name__}")


def heard(model: Any) -> tuple[tuple[Relative, Declaration], ...]:
    """Return what a write of a model's rows holds: nothing while CACHING["ENABLED"] is off."""
    return registry.heard(model) if conf().enabled else ()


def is_followed(model: Any) -> bool:
    """Return whether anything is derived from a model's rows, or counts them."""
    return bool(heard(model)) or bulk_signals.updating.has_listeners(model._meta.concrete_model)


def hold_instances(using: str, instances: Iterable[Any]) -> None:
    """Hold in one round trip what inserting or deleting these instances of any models will touch.

    For several writes of one transaction, before the first.
    """
    touched = Touched()
    for instance in instances:
        columns = None if instance._state.adding else ()
        for relative, declaration in heard(type(instance)):
            touched.add(declaration, declaration.keys_of(instance, using, columns))
            touched.add(declaration, _pk_keys(relative, declaration, instance, using))
    touched.hold(using)


def hold_stored(using: str, model: Any, pks: list[Any], columns: Collection[str] | None) -> None:
    """Hold what a write of these columns (None: a deletion) of stored rows touches."""
    touched = Touched()
    touched.add_stored(model, pks, columns, using)
    touched.hold(using, drop=touched.kept)


def hold_updated(using: str, model: Any, pks: list[Any], columns: Collection[str]) -> None:
    """Hold what rows lead to after an UPDATE of these columns; nobody else can see the new values before the commit."""
    touched = Touched()
    touched.add_updated(model, pks, columns, using)
    touched.hold(using, drop=touched.kept)


def note_inserted(using: str, model: Any, instances: list[Any]) -> None:
    """Tell the transaction of rows that a bulk insert has made."""
    touched = Touched()
    for relative, declaration in heard(model):
        for instance in instances:
            if declaration.remembers_absence:
                touched.add(declaration, _pk_keys(relative, declaration, instance, using))
            touched.add(declaration, declaration.keys_of(instance, using))
        if relative.is_same:
            declaration.note_inserted(using, instances)
    # Primary keys and values that are chosen only now: by the database, or by others who follow the signal before a
    # save. Nobody else sees them before the commit, so it is early enough.
    touched.hold(using)


def chunks(pks: list[Any]) -> Iterator[list[Any]]:
    """Cut a list of primary keys into parts for one query each."""
    return (pks[at : at + CHUNK] for at in range(0, len(pks), CHUNK))


class Touched:
    """The keys that a write touches; those of id sets, which a hold keeps, apart."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.kept: set[str] = set()

    def add(self, declaration: Declaration, keys: Iterable[str]) -> None:
        """Add keys of one declaration."""
        (self.kept if declaration.keeps else self.keys).update(keys)

    def add_stored(self, model: Any, pks: list[Any], columns: Collection[str] | None, using: str) -> None:
        """Add the keys of what a write of these columns of stored rows touches; lock the rows if need be."""
        for relative, declaration in heard(model):
            if declaration.concerns(columns):
                own = relative.pks(pks, using)
                self.add(declaration, declaration.keys_of_pks(own, using))
                for chunk in chunks(own):
                    self.add(declaration, declaration.stored_keys(chunk, using))

    def add_updated(self, model: Any, pks: list[Any], columns: Collection[str], using: str) -> None:
        """Add the keys that rows lead to after an UPDATE of these columns."""
        for relative, declaration in heard(model):
            if declaration.concerns(columns):
                for chunk in chunks(relative.pks(pks, using)):
                    self.add(declaration, declaration.keys_after_update(chunk, using, columns))

    def hold(self, using: str, *, drop: Iterable[str] = ()) -> None:
        """Hold the keys. `drop`: sets that the lift must not keep after all, because their change is not known."""
        if self.keys or self.kept:
            hold_keys(using, self.keys, kept=self.kept)
        for key in drop:
            change_set(using, key, None)


def _pk_keys(relative: Relative, declaration: Declaration, instance: Any, using: str) -> Iterable[str]:
    return declaration.keys_of_pks(relative.pks_of_instance(instance, using), using)


def _before_save(*, sender: Any, instance: Any, using: str, update_fields: Collection[str] | None, **_: Any) -> None:
    touched, left, pk = Touched(), set(), instance.pk
    for relative, declaration in heard(sender):
        if declaration.concerns(update_fields):
            own = set(declaration.keys_of(instance, using, update_fields))
            touched.add(declaration, own)
            if pks := _pks(relative, instance, pk, using):
                # The row may have been moved here from another owner, by an instance that was made by hand as well.
                stored = set(declaration.stored_keys(pks, using))
                touched.add(declaration, stored)
                touched.add(declaration, declaration.keys_of_pks(pks, using))
                left |= stored - own if declaration.keeps else set()
    touched.hold(using, drop=left)


def _pks(relative: Relative, instance: Any, pk: Any, using: str) -> list[Any]:
    """Return a relative's primary keys of the rows that saving an instance writes, and of those that it leaves."""
    if pk is None and relative.is_same:
        return []
    said = relative.pks_of_instance(instance, using)
    stored = [] if pk is None else relative.pks([pk], using)
    return said if said == stored else list({*said, *stored})


def _after_save(
    *, sender: Any, instance: Any, using: str, created: bool, update_fields: Collection[str] | None, **_: Any
) -> None:
    touched = Touched()
    if created:
        note_inserted(using, sender, [instance])
    for relative, declaration in heard(sender):
        if (created and relative.is_same) or not declaration.concerns(update_fields):
            continue
        if not relative.is_part_of(instance):
            _hold_child(declaration, relative.pks_of_instance(instance, using), using)
        else:
            touched.add(declaration, declaration.keys_of(instance, using, update_fields))
            declaration.note_changed(using, instance)
    touched.hold(using)


def _hold_child(declaration: Declaration, pks: list[Any], using: str) -> None:
    """Hold what a child's row leads to after a save of its parent, which may have moved it."""
    touched = Touched()
    touched.add(declaration, declaration.stored_keys(pks, using) if pks else ())
    touched.hold(using, drop=touched.kept)


def _before_delete(**_: Any) -> None:
    """Let Django collect the rows, and not delete them unread: caching.writing.deletion holds what is collected."""

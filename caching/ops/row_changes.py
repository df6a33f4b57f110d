"""Writes that a log of the database tells of, whoever made them: the entries that they concern are deleted.

What the log tells was committed before. So whoever loads an entry from now on sees it, and whoever began to load before
finds its lease gone. An entry that a writer holds is left to that writer, whose lift deletes it. An id set stays if it
says already what the log tells, as it does where the application's own writers have changed it.

Other things that follow from rows (counters, say) hear of changes by `listen`, which may take longer: readers need not
wait for that.
"""

import time
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from django.db import transaction

from .. import registry
from ..conf import conf
from ..entries.derived import Derived
from ..entries.id_sets import IdSet
from ..entries.lookup import CachedRows
from ..family import Relative
from ..protocol import pending, steps
from ..protocol.invalidation import discard_under, prefixes_of
from ..redis.failures import FAILURES
from ..registry import Declaration
from ..writing.declarations import chunks

SETTLE_S = 0.3
"""How long a set that its writers hold may differ from the log; their lift follows the commit that the log tells of."""
_PAUSE_S = 0.02


class RowChange:
    """A row of a model's own table before and after a write; None where there was none, or is none any more.

    Instances have the columns of the table alone, not those of parents.
    """

    def __init__(self, model: Any, before: Any, after: Any) -> None:
        self.model, self.before, self.after = model, before, after

    @property
    def row(self) -> Any:
        """The row as it is now, or was before it was deleted."""
        return self.before if self.after is None else self.after

    @cached_property
    def columns(self) -> frozenset[str] | None:
        """The names and attribute names of the columns that an UPDATE has changed; None for all."""
        if self.before is None or self.after is None:
            return None
        before, after = self.before.__dict__, self.after.__dict__
        fields = self.model._meta.local_concrete_fields
        changed = [each for each in fields if before.get(each.attname) != after.get(each.attname)]
        return frozenset(name for each in changed for name in (each.name, each.attname))

    def moves(self, declaration: Declaration) -> bool:
        """Return whether the row may have been in other entries before than it is in now."""
        pk = self.model._meta.pk.attname
        return self.columns is None or not self.columns.isdisjoint((pk, *declaration.columns()))


class LoggedTransaction(NamedTuple):
    """What a transaction has changed, or a part of that; `is_first` and `is_complete` tell its first and last part.

    A transaction may be told again from its first part on, also where its last one has not come.
    """

    changes: Sequence[RowChange]
    is_first: bool = True
    is_complete: bool = True


Listener = Callable[[str, Sequence[LoggedTransaction]], None]
_listeners: dict[Listener, set[Any]] = {}


def listen(model: Any, listener: Listener) -> None:
    """Have `tell_logged` call a function with the database and the changes of a model's rows.

    It gets those of all models that it listens to together, and may be told of a change again.
    """
    _listeners.setdefault(listener, set()).add(model._meta.concrete_model)


def logged_models() -> set[Any]:
    """Return the concrete models of whose rows a log has to tell."""
    return set(registry.by_model()).union(*_listeners.values())


class Concerned:
    """The entries that changes concern: keys, id sets with the ids that are in (negative: out), beginnings of keys."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.sets: dict[str, dict[int, int]] = {}
        self.prefixes: set[str] = set()
        self._elsewhere: dict[Declaration, set[Any]] = {}

    def add(self, change: RowChange, using: str) -> None:
        """Add what a change concerns."""
        for relative, declaration in registry.heard(change.model):
            if declaration.concerns(change.columns):
                if change.moves(declaration):
                    self._add_row(relative, declaration, change, change.before, using)
                self._add_row(relative, declaration, change, change.after, using)

    def add_elsewhere(self, using: str) -> None:
        """Add what follows from the rows by way of other rows, which the database is asked for."""
        if not self._elsewhere:
            return
        with transaction.atomic(using=using):
            self._add_stored(using)

    def _add_stored(self, using: str) -> None:
        for declaration, pks in self._elsewhere.items():
            for chunk in chunks([*pks]):
                self.keys.update(declaration.stored_keys(chunk, using))

    def _add_row(
        self, relative: Relative, declaration: Declaration, change: RowChange, row: Any | None, using: str
    ) -> None:
        if row is None:
            return
        pks = relative.pks_of_instance(row, using)
        self.keys.update(declaration.keys_of_pks(pks, using))
        if not isinstance(declaration, CachedRows | Derived):  # of these, the row itself tells which entries it is in
            self._elsewhere.setdefault(declaration, set()).update(pks)
        if row.get_deferred_fields().intersection(declaration.columns()) or not relative.is_part_of(row):
            # Columns of a parent or a child tell which entries these are, and the log has them elsewhere, or nowhere.
            self.prefixes |= prefixes_of([declaration], [using]) if declaration.columns() else set()
        elif isinstance(declaration, IdSet):
            for key, member in declaration.members_of(row, using):
                if member is not None:
                    self.sets.setdefault(key, {})[member] = member if row is change.after else -member
        else:
            self.keys.update(declaration.keys_of(row, using, change.columns))


def apply_logged(using: str, transactions: Sequence[LoggedTransaction]) -> None:
    """Delete the entries that logged changes concern.

    Where Redis cannot be told, that is recorded as pending invalidations. Raises django.db.Error; to be repeated then,
    outside of any transaction.
    """
    concerned = Concerned()
    for each in transactions:
        for change in each.changes:
            concerned.add(change, using)
    concerned.add_elsewhere(using)
    _delete(using, concerned)


def tell_logged(using: str, transactions: Sequence[LoggedTransaction]) -> None:
    """Tell the listeners of logged changes, after apply_logged(); raises what they raise, to be repeated then."""
    for listener, models in _listeners.items():
        listener(using, [_of_models(each, models) for each in transactions])


def forget_models(using: str, models: Collection[Any]) -> None:
    """Delete all entries of what rows of these models concern, after changes that no log tells of; see apply_logged."""
    concerned = Concerned()
    heard = [declaration for model in models for _, declaration in registry.heard(model)]
    concerned.prefixes = prefixes_of(heard, [using])
    _delete(using, concerned)


def _of_models(logged: LoggedTransaction, models: Collection[Any]) -> LoggedTransaction:
    return logged._replace(changes=[each for each in logged.changes if each.model in models])


def _delete(using: str, concerned: Concerned) -> None:
    if not conf().enabled:
        return
    try:
        untold = steps.discard(concerned.keys) | _settle(concerned.sets)
        for _ in discard_under(concerned.prefixes):
            pass
    except FAILURES:
        untold = concerned.keys | set(concerned.sets) | {f"{prefix}*" for prefix in concerned.prefixes}
    if untold:
        with transaction.atomic(using=using):
            pending.record(using, untold)


def _settle(sets: dict[str, dict[int, int]]) -> set[str]:
    """Delete the sets that differ; wait for those that are held. Return the keys of servers that cannot be used."""
    give_up_at, asked, untold = time.monotonic() + SETTLE_S, sets, set[str]()
    while asked:
        is_late = time.monotonic() > give_up_at
        differing, unanswered = steps.settle({key: [*ids.values()] for key, ids in asked.items()}, at_once=is_late)
        untold |= unanswered
        asked = {key: sets[key] for key in differing}
        if asked:
            time.sleep(_PAUSE_S)
    return untold

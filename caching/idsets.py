"""Id sets: "which of these ids belong to this owner?", answered in one round trip, with no false "no".

Declared beside the model whose rows are the truth:

    following = IdSet(Follow, owner="follower", member="followee")

Redis keeps an owner's greatest `newest` member ids as an integer set, and a floor: ids at or above it are answered by
the set, ids below by one SQL query. A state key carries the protocol (lease, value with the floor, hold) and shares a
hash tag with the members. A writer's hold keeps the loaded set; if nobody joins it, its lift applies the change.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import compress
from typing import Any, NamedTuple

from django.db import models, router
from django.db.models import signals

from caching import holds, many, registry
from caching.codec import Stale
from caching.conf import conf
from caching.connection import Command, Script
from caching.options import jittered_ms
from caching.store import SET_LIFE_S

SLACK = 10
"""A loaded set may grow by a tenth before it is dropped and loaded anew, with a higher floor."""

_TRUTH = bytes.maketrans(b"01", b"\x00\x01")
_NONE: frozenset[int] = frozenset()

_check, _load = Script.named("check"), Script.named("load")


class Ident(NamedTuple):
    owner: Any
    ids: tuple[int, ...]


class Known(NamedTuple):
    """`members` are right for ids from `floor` on; where `floor` is None, for the asked ids."""

    floor: int | None
    members: frozenset[int]


class IdSet:
    """The ids that `owner` has in `member`; both are foreign keys of the edge model (or integer columns)."""

    probing = True

    def __init__(self, model: type[models.Model], *, owner: str, member: str, newest: int = 5_000) -> None:
        self.model, self.newest = model, newest
        self._names = owner, member
        self.label = f"{model._meta.label_lower}.{owner}"
        registry.register_edge(model)
        signals.pre_save.connect(self._before_save, sender=model)
        signals.post_save.connect(self._after_save, sender=model)
        signals.pre_delete.connect(self._before_delete, sender=model)
        signals.post_delete.connect(self._after_delete, sender=model)
        many.inserting.connect(self._before_insert, sender=model)
        many.inserted.connect(self._after_insert, sender=model)

    @cached_property
    def owner(self) -> str:
        return str(self.model._meta.get_field(self._names[0]).attname)  # type: ignore[union-attr]

    @cached_property
    def member(self) -> str:
        return str(self.model._meta.get_field(self._names[1]).attname)  # type: ignore[union-attr]

    @cached_property
    def using(self) -> str:
        return router.db_for_write(self.model)

    def contains(self, owner: Any, ids: Iterable[int]) -> dict[int, bool]:
        """{id: whether the owner has it}, in the order asked."""
        from caching.batch import Batch

        batch = Batch()
        reply = batch.contains(self, owner, ids)
        batch.run()
        return reply.result

    def complete(self, ident: Ident, known: Known) -> Known:
        """What is known of all asked ids: those below the floor take one query."""
        below = self.below_floor(ident, known)
        return Known(None, known.members | self._query(ident.owner, below)) if below else known

    def below_floor(self, ident: Ident, known: Known) -> list[int]:
        """Those of the asked ids of which only the database knows."""
        floor = known.floor
        return [each for each in ident.ids if each < floor] if floor and min(ident.ids) < floor else []

    # What Reading asks of a source.

    def key(self, ident: Ident) -> str:
        return self.state_key(ident.owner)

    def state_key(self, owner: Any) -> str:
        return f"{conf().prefix}:ids:{self.label}:{{{owner}}}"

    @staticmethod
    def probe(keys: Sequence[str], ident: Ident) -> Command:
        pairs = [name for key in keys for name in (key, f"{key}:m")]
        return _check.command(pairs, ident.ids)

    def decode(self, ident: Ident, entry: bytes) -> Known:
        if not entry.startswith(b"V"):
            raise Stale
        floor, colon, flags = entry[1:].partition(b":")
        if not colon or len(flags) != len(ident.ids):
            raise Stale
        members = frozenset(compress(ident.ids, flags.translate(_TRUTH))) if b"1" in flags else _NONE
        return Known(int(floor), members)

    def load(self, idents: Iterable[Ident]) -> Mapping[Ident, Known]:
        """What may be filled: the greatest ids of each owner."""
        return {ident: self._greatest(ident.owner) for ident in idents}

    def look_up(self, idents: Iterable[Ident]) -> Mapping[Ident, Known]:
        """What will not be filled: the asked ids alone."""
        return {ident: Known(None, self._query(ident.owner, ident.ids)) for ident in idents}

    def fill_command(self, key: str, known: Known, token: str) -> Command:
        life_ms = jittered_ms(SET_LIFE_S)
        return _load.command([key, f"{key}:m"], [f"L{token}", f"V{known.floor}", life_ms, *known.members])

    def _greatest(self, owner: Any) -> Known:
        rows = self._edges(owner).order_by(f"-{self.member}").values_list(self.member, flat=True)
        ids = list(rows[: self.newest + 1])
        return Known(0 if len(ids) <= self.newest else ids[self.newest - 1], frozenset(ids[: self.newest]))

    def _query(self, owner: Any, ids: Collection[int]) -> frozenset[int]:
        rows = self._edges(owner).filter(**{f"{self.member}__in": ids}) if ids else self.model._base_manager.none()
        return frozenset(rows.values_list(self.member, flat=True))

    def _edges(self, owner: Any) -> Any:
        return self.model._base_manager.using(self.using).filter(**{self.owner: owner})

    # Writes.

    def _before_save(self, *, instance: Any, using: str, **_: Any) -> None:
        now = getattr(instance, self.owner)
        owners = {now}
        if instance.pk is not None:
            # It may have been moved here from another owner, by an instance that was made by hand as well.
            rows = self.model._base_manager.using(using).filter(pk=instance.pk)
            owners.update(rows.values_list(self.owner, flat=True))
        self._hold(using, owners)
        for owner in owners - {now}:
            self._change(using, owner, None)

    def _after_save(self, *, instance: Any, using: str, created: bool, **_: Any) -> None:
        # Of an edge that is changed in place the old member is not known: the set is dropped.
        self._change(using, getattr(instance, self.owner), getattr(instance, self.member) if created else None)

    def _before_delete(self, *, instance: Any, using: str, **_: Any) -> None:
        self._hold(using, {getattr(instance, self.owner)})

    def _after_delete(self, *, instance: Any, using: str, **_: Any) -> None:
        self._change(using, getattr(instance, self.owner), -getattr(instance, self.member))

    def _before_insert(self, *, instances: list[Any], using: str, **_: Any) -> None:
        self._hold(using, {getattr(instance, self.owner) for instance in instances})

    def _after_insert(self, *, instances: list[Any], using: str, **_: Any) -> None:
        for instance in instances:
            self._change(using, getattr(instance, self.owner), getattr(instance, self.member))

    def _hold(self, using: str, owners: set[Any]) -> None:
        holds.hold(using, [self.state_key(owner) for owner in owners], keep=True)

    def _change(self, using: str, owner: Any, change: int | None) -> None:
        # The sentinel is a member too.
        holds.change_set(using, self.state_key(owner), change, limit=self.newest + self.newest // SLACK + 1)

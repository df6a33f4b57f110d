"""Id sets: "which of these ids belong to this owner?", answered in one round trip, with no false "no".

Declared beside the model whose rows are the truth:

    following = IdSet(Follow, owner="follower", member="followee")

    batch = Batch()
    checked = batch.add(following.among(7, [1, 2, 3]))
    batch.run()
    checked.result          # {1: True, 2: False, 3: False}

Redis keeps an owner's greatest `newest` member ids as an integer set, and a floor: ids at or above it are answered by
the set, ids below by one SQL query. A state key carries the protocol (lease, value with the floor, hold) and shares a
hash tag with the members. A writer's hold keeps the loaded set; if no other writer joins, its lift applies the change.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import compress
from typing import Any, NamedTuple

from django.db import models

from ..cacheable import all_rows
from ..conf import conf
from ..database.limits import chunks
from ..options import jittered_ms
from ..protocol.codec import Stale
from ..protocol.steps import LUA, SET_LIFE_S, members_key
from ..redis.script import Command, Script
from ..writing.transactions import change_set
from .derived import Derived
from .source import Result

SLACK = 10
"""A loaded set may grow by a tenth before it is dropped and loaded anew, with a higher floor."""

_TRUTH = bytes.maketrans(b"01", b"\x00\x01")
_NONE: frozenset[int] = frozenset()

_check, _load = Script.from_files(LUA, "check"), Script.from_files(LUA, "load")


class SetQuery(NamedTuple):
    """The identity of an entry, and the ids it is asked for."""

    owner: Any
    ids: tuple[int, ...]


class SetContents(NamedTuple):
    """`members` are right for ids from `floor` on; where `floor` is None, for the asked ids."""

    floor: int | None
    members: frozenset[int]


class Membership(Result[dict[int, bool]]):
    """Ids asked of an id set. Once the batch has run, `result` is {id: bool} in the order asked; `members` are the ids
    that the set has, and perhaps others for which the batch was asked as well."""

    members: frozenset[int] = _NONE

    def __init__(self, id_set: "IdSet", owner: Any, ids: tuple[int, ...]) -> None:
        self.source = id_set
        self.identities = {id_set.state_key(owner): SetQuery(owner, ids)} if ids else {}
        self.question = ids

    def resolve(self, values: Sequence[Any]) -> None:
        if values:
            self.members = values[0].members

    @cached_property
    def result(self) -> dict[int, bool]:  # type: ignore[override]
        members = self.members
        return {each: each in members for each in self.question}


class IdSet(Derived):
    """A source: the ids that `owner` has in `member`; both are foreign keys of the edge model, or integer columns."""

    kind = "ids"
    scripted = True
    keeps = True

    def __init__(self, model: type[models.Model], *, owner: str, member: str, newest: int = 5_000) -> None:
        super().__init__(model, owner, by=(owner,), of=(member,), where=None)
        self.newest = newest
        self._member = member

    @cached_property
    def owner(self) -> str:
        """The attribute name of the owner's column."""
        return self.by[0]

    @cached_property
    def member(self) -> str:
        """The attribute name of the member's column."""
        return self.column(self._member)

    def among(self, owner: Any, ids: Iterable[int]) -> Membership:
        """Ask which of these ids are in an owner's set; raises ValueError for an id that is not positive."""
        return memberships([self], owner, ids)[0]

    def identity(self, *values: Any) -> SetQuery:
        (owner,) = values
        return SetQuery(owner, ())

    def key(self, identity: SetQuery) -> str:
        return self.state_key(identity.owner)

    def state_key(self, owner: Any) -> str:
        """Return the key that carries the state of an owner's set."""
        return f"{conf().prefix}:ids:{self.label}:{{{owner}}}"

    # As a source.

    @staticmethod
    def read_command(keys: Sequence[str], question: tuple[int, ...]) -> Command:
        pairs = [name for key in keys for name in (key, members_key(key))]
        return _check.command(pairs, question)

    def decode(self, identity: SetQuery, entry: bytes) -> SetContents:
        if not entry.startswith(b"V"):
            raise Stale
        floor, colon, flags = entry[1:].partition(b":")
        if not colon or len(flags) != len(identity.ids):
            raise Stale
        members = frozenset(compress(identity.ids, flags.translate(_TRUTH))) if b"1" in flags else _NONE
        return SetContents(int(floor), members)

    def encode(self, identity: SetQuery, value: SetContents) -> tuple[bytes, int]:
        """Return the entry of the state; the members are filled by `fill_command`."""
        return f"V{value.floor}".encode(), jittered_ms(SET_LIFE_S)

    def fill_command(self, key: str, value: SetContents, token: str) -> Command:
        entry, life_ms = self.encode(SetQuery(None, ()), value)
        return _load.command([key, members_key(key)], [f"L{token}", entry, life_ms, *value.members])

    def ask(self, identity: SetQuery) -> Membership:
        return Membership(self, *identity)

    def merged(self, one: SetQuery, other: SetQuery) -> SetQuery:
        return SetQuery(one.owner, tuple(dict.fromkeys((*one.ids, *other.ids))))

    def load(self, identities: Iterable[SetQuery]) -> Mapping[SetQuery, SetContents]:
        """Load what may be filled: the greatest ids of each owner."""
        return {identity: self._greatest(identity.owner) for identity in identities}

    def load_asked(self, identities: Iterable[SetQuery]) -> Mapping[SetQuery, SetContents]:
        """Load what will not be filled: the asked ids alone."""
        return {identity: SetContents(None, self._query(identity.owner, identity.ids)) for identity in identities}

    def lacks(self, identity: SetQuery, value: SetContents) -> bool:
        """Return whether any asked id is below the floor."""
        return bool(value.floor) and min(identity.ids) < value.floor  # type: ignore[operator]

    def complete(self, identity: SetQuery, value: SetContents) -> SetContents:
        """Return the contents for all asked ids: those below the floor take one query."""
        if not self.lacks(identity, value):
            return value
        below = [each for each in identity.ids if each < value.floor]  # type: ignore[operator]
        return SetContents(None, value.members | self._query(identity.owner, below))

    def _greatest(self, owner: Any) -> SetContents:
        rows = self._edges(owner).order_by(f"-{self.member}").values_list(self.member, flat=True)
        ids = list(rows[: self.newest + 1])
        return SetContents(0 if len(ids) <= self.newest else ids[self.newest - 1], frozenset(ids[: self.newest]))

    def _query(self, owner: Any, ids: Collection[int]) -> frozenset[int]:
        found: set[int] = set()
        for some in chunks(self.using, list(ids)):
            rows = self._edges(owner).filter(**{f"{self.member}__in": some})
            found.update(rows.values_list(self.member, flat=True))
        return frozenset(found)

    def _edges(self, owner: Any) -> Any:
        return all_rows(self.model, self.using).filter(**{self.owner: owner})

    # As a declaration.

    def note_inserted(self, using: str, instances: list[Any]) -> None:
        for instance in instances:
            self._change(using, getattr(instance, self.owner), getattr(instance, self.member))

    def note_changed(self, using: str, instance: Any) -> None:
        # The old member is not known: the set is dropped.
        self._change(using, getattr(instance, self.owner), None)

    def note_deleted(self, using: str, instance: Any) -> None:
        self._change(using, getattr(instance, self.owner), -getattr(instance, self.member))

    def _change(self, using: str, owner: Any, change: int | None) -> None:
        # The sentinel is a member too.
        change_set(using, self.state_key(owner), change, limit=self.newest + self.newest // SLACK + 1)


def memberships(id_sets: Iterable[IdSet], owner: Any, ids: Iterable[int]) -> list[Membership]:
    """Ask several sets of an owner for the same ids; raises ValueError for an id that is not positive."""
    asked = tuple(dict.fromkeys(ids))
    if asked and min(asked) < 1:
        raise ValueError(f"Ids are positive: {min(asked)} is not.")
    return [Membership(id_set, owner, asked) for id_set in id_sets]

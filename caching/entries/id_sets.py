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

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import compress
from typing import Any, NamedTuple

from django.db import models

from ..cacheable import all_rows
from ..connections.limits import chunks
from ..faults import Fault
from ..key_columns import KeyColumn
from ..options import jittered_ms, require_positive
from ..protocol.codec import Stale
from ..protocol.steps import LUA, SET_LIFE_S, members_key
from ..redis.script import Command, Script
from ..writing.transactions import change_set
from .derived import Derived
from .of_owners import rows_of_each
from .source import Result, encode

SLACK = 10
"""A loaded set may grow by a tenth before it is dropped and loaded anew, with a higher floor."""

_TRUTH = bytes.maketrans(b"01", b"\x00\x01")
_NONE: frozenset[int] = frozenset()
LOWEST, LEAST, GREATEST = -(2**63), 1, 2**64 - 1
"""Redis keeps members from LEAST on, 0 is the sentinel. The database is asked for what is less, down to LOWEST."""

MOST_TOLD = 256
"""How many members, with the sentinel, an id set may have to be told whole to a process that keeps it."""
_SENTINEL = frozenset((0,))

_check, _load = Script.from_files(LUA, "check"), Script.from_files(LUA, "load")


class SetQuery(NamedTuple):
    """The identity of an entry, and the ids it is asked for."""

    owner: Any
    ids: tuple[int, ...]
    least: int = 1
    """The least of the ids."""


class SetContents(NamedTuple):
    """`members` are right for ids from `floor` on; where `floor` is None, for the asked ids."""

    floor: int | None
    members: frozenset[int]
    is_whole: bool = False
    """Whether `members` has all from the floor on."""


_EMPTY = SetContents(0, _NONE)


class Membership(Result[dict[int, bool]]):
    """Ids asked of an id set. Once the batch has run, `result` is {id: bool} in the order asked; `members` are the ids
    that the set has, and perhaps others for which the batch was asked as well."""

    members: frozenset[int] = _NONE

    def __init__(self, source: "IdSet", query: SetQuery, asked: tuple[int, ...] | None = None) -> None:
        """`asked`: the ids of the result, where some of them can be in no set."""
        self.source, self._query, self.question = source, query, query.ids
        self.ids = (query.owner,) if query.ids else ()
        if source.has_integers:
            self.prefix = source.key_prefix()
        self._asked = query.ids if asked is None else asked

    @cached_property
    def identities(self) -> dict[str, SetQuery]:
        return {self.source.key(self._query): self._query} if self._query.ids else {}

    def resolve(self, values: Sequence[Any]) -> None:
        if values:
            (contents,) = values
            self.members = contents.members
            if contents.is_whole:
                if self.source.lacks(self._query, contents):
                    raise Stale
                self.members = self.members.intersection(self._query.ids) if self.members else _NONE

    @cached_property
    def result(self) -> dict[int, bool]:  # type: ignore[override]
        members = self.members
        return {each: each in members for each in self._asked}


class IdSet(Derived):
    """A source: the ids that `owner` has in `member`; both are foreign keys of the edge model, or integer columns."""

    kind = "ids"
    scripted = True
    outlives_runs = False
    keeps = True

    def __init__(self, model: type[models.Model], *, owner: str, member: str, newest: int = 5_000) -> None:
        """Raises ImproperlyConfigured for what is no column, and for less than one id."""
        require_positive("IdSet(newest=…)", newest)
        super().__init__(model, by=(owner,), of=(member,), where=None)
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
        """Ask which of these ids are in an owner's set; raises ValidationError for what is no integer."""
        return memberships([self], owner, ids)[0]

    def identity_of(self, *values: Any) -> SetQuery:
        (owner,) = values
        return SetQuery(owner, ())

    def key(self, identity: SetQuery) -> str:
        """Return the key that carries the state of an owner's set."""
        source = self if self._alias else self.here()
        return f"{source.key_prefix()}{{{source.keys_by[0].part(identity.owner)}}}"

    def state_key(self, owner: Any) -> str:
        """Return the key that carries the state of an owner's set, in the database that the router names now."""
        return self.key(self.identity(owner))

    def keys_of_owner(self, owner: Any) -> tuple[list[str], list[str]]:
        key = self.state_key(owner)
        return [key, members_key(key)], []

    ids: KeyColumn
    """Of a source: the column of the members."""

    def _bind(self, using: str) -> None:
        super()._bind(using)
        self.ids = self._key_column(self._member, using)

    def _faults(self, using: str) -> Iterator[Fault]:
        yield from super()._faults(using)
        yield from self._integer_faults(self._member)
        yield from self._pair_faults(*self._by, self._member)

    # As a source.

    @staticmethod
    def read_command(keys: Sequence[str], question: tuple[int, ...], *, tell_all: bool = False) -> Command:
        pairs = [name for key in keys for name in (key, members_key(key))]
        return _check.command(pairs, [MOST_TOLD if tell_all else 0, *question])

    @staticmethod
    def tells_all(value: SetContents) -> bool:
        return value.is_whole

    def decode(self, identity: SetQuery, entry: bytes) -> SetContents:
        if not entry.startswith(b"V"):
            raise Stale
        floor, is_whole, told = entry[1:].partition(b"=")
        if is_whole:
            return SetContents(int(floor), frozenset(map(int, told.split(b","))) - _SENTINEL, True)
        floor, colon, flags = entry[1:].partition(b":")
        if not colon or len(flags) != len(identity.ids):
            raise Stale
        members = frozenset(compress(identity.ids, flags.translate(_TRUTH))) if b"1" in flags else _NONE
        return SetContents(int(floor), members)

    def encode(self, identity: SetQuery, value: SetContents) -> tuple[bytes, int]:
        """Return the entry of the state; the members are filled by `fill_command`."""
        return f"V{value.floor}".encode(), jittered_ms(SET_LIFE_S)

    def fill_command(self, key: str, value: SetContents, token: str) -> Command:
        entry, life_ms = encode(self, key, SetQuery(None, ()), value)
        return _load.command([key, members_key(key)], [f"L{token}", entry, life_ms, *value.members])

    def ask(self, identity: SetQuery) -> Membership:
        return Membership(self, identity)

    def merged(self, one: SetQuery, other: SetQuery) -> SetQuery:
        ids = tuple(dict.fromkeys((*one.ids, *other.ids)))
        return SetQuery(one.owner, ids, min(one.least, other.least))

    def load(self, identities: Iterable[SetQuery]) -> Mapping[SetQuery, SetContents]:
        """Load what may be filled: the greatest ids of each owner, of many owners by one query."""
        asked = list(identities)
        owners = [owner for owner in dict.fromkeys(each.owner for each in asked) if self.keys_by[0].may_exist(owner)]
        of_each = rows_of_each(owners, self._greatest, column=self._field(self.owner), using=self.using)
        found = {owner: self._contents([member for (member,) in rows]) for owner, rows in of_each}
        return {identity: found.get(identity.owner, _EMPTY) for identity in asked}

    def load_asked(self, identities: Iterable[SetQuery]) -> Mapping[SetQuery, SetContents]:
        """Load what will not be filled: the asked ids alone."""
        return {identity: SetContents(None, self._query(identity.owner, identity.ids)) for identity in identities}

    def lacks(self, identity: SetQuery, value: SetContents) -> bool:
        """Return whether any asked id is below the floor; what is not positive is in no set."""
        return value.floor is not None and identity.least < (value.floor or LEAST)

    def complete(self, identity: SetQuery, value: SetContents) -> SetContents:
        """Return the contents for all asked ids: those below the floor take one query."""
        if not self.lacks(identity, value):
            return value
        floor = value.floor or LEAST
        below = [each for each in identity.ids if each < floor]
        return SetContents(None, value.members.difference(below) | self._query(identity.owner, below))

    def _greatest(self, owner: Any) -> Any:
        rows = self.edges(owner).filter(**{f"{self.member}__gte": LEAST}).order_by(f"-{self.member}")
        return rows.values_list(self.member)[: self.newest + 1]

    def _contents(self, ids: list[int]) -> SetContents:
        return SetContents(0 if len(ids) <= self.newest else ids[self.newest - 1], frozenset(ids[: self.newest]))

    def _query(self, owner: Any, ids: Collection[int]) -> frozenset[int]:
        wanted = [each for each in ids if self.ids.may_exist(each)]
        found: set[int] = set()
        for some in chunks(self.using, wanted):
            rows = self.edges(owner).filter(**{f"{self.member}__in": some})
            found.update(rows.values_list(self.member, flat=True))
        return frozenset(found)

    def edges(self, owner: Any) -> Any:
        """Return the edges of an owner. A subclass may leave some out by what other tables say of them; whoever writes
        that has to hold the sets that it changes."""
        rows = all_rows(self.model, self.using)
        return rows.filter(**{self.owner: owner}) if self.keys_by[0].may_exist(owner) else rows.none()

    # As a declaration.

    def note_inserted(self, using: str, instances: list[Any]) -> None:
        for instance in instances:
            self._change(using, instance, 1)

    def note_changed(self, using: str, instance: Any) -> None:
        # The old member is not known: the set is dropped.
        self._change(using, instance, None)

    def note_deleted(self, using: str, instance: Any) -> None:
        self._change(using, instance, -1)

    def members_of(self, instance: Any, using: str) -> Iterator[tuple[str, int | None]]:
        """Yield the keys of the sets that an edge is in, each with its member; None for one that can be in no set."""
        source = self.at(using)
        member = source.ids.canonical(getattr(instance, self.member))
        is_possible = member is not None and member >= LEAST
        yield from ((key, member if is_possible else None) for key in source.keys_of(instance, using))

    def _change(self, using: str, instance: Any, sign: int | None) -> None:
        limit = self.newest + self.newest // SLACK + 1  # the sentinel is a member too
        for key, member in self.members_of(instance, using):
            if sign is None or member is not None:
                change_set(using, key, sign and member and sign * member, limit=limit)


def memberships(id_sets: Iterable[IdSet], owner: Any, ids: Iterable[int]) -> list[Membership]:
    """Ask several sets of an owner for the same ids; raises ValidationError for what is no integer."""
    sources, asked = [id_set.here() for id_set in id_sets], tuple(ids)
    if sources and set(map(type, asked)) - {int}:
        asked = tuple(map(sources[0].ids.canonical, asked))
    asked = possible = tuple(dict.fromkeys(asked))
    least = min(asked, default=LEAST)
    if least < LOWEST or max(asked, default=LEAST) > GREATEST:  # in no column, and too long for the client of Redis
        possible = tuple(each for each in asked if LOWEST <= each <= GREATEST)
    least = max(least, LOWEST)
    queries = [SetQuery(source.keys_by[0].canonical(owner), possible, least) for source in sources]
    return [Membership(source, query, asked) for source, query in zip(sources, queries, strict=True)]

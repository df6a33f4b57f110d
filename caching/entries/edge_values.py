"""What an edge says: an integer column of the one row that an owner and a member have in common, or None.

    my_scores = EdgeValue(Score, owner="user", member="item", value="score")

    batch = Batch()
    scores = batch.add(my_scores.of(user_id, [3, 1, 2]))
    batch.run()
    scores.result           # {3: 8, 1: None, 2: 5}

Each pair is an entry like that of a row: filled under a lease, held by the writer of its edge. "No edge" lives as long
as a value, because an insert holds the pair that it joins.
"""

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Q

from ..cacheable import all_rows
from ..faults import Fault
from ..options import jittered_ms
from ..protocol.codec import NOTHING, Framed
from ..writing.invalidation import invalidate
from .derived import Derived
from .source import Result

VALUE_LIFE_S = 3_600


class Pair(NamedTuple):
    """The identity of an edge."""

    owner: Any
    member: Any


class EdgeValue(Derived):
    """A source: an integer column of edges, by owner and member."""

    kind = "edge"
    parameters_each = 2

    def __init__(self, model: type[models.Model], *, owner: str, member: str, value: str) -> None:
        """`owner` and `member` are foreign keys or plain columns of an edge or a cached model, unique together, the
        owner first in the index; `value` is an integer column, of which null is answered like no edge."""
        super().__init__(model, by=(owner, member), of=(value,), where=None)
        self._value = value
        self._entry: Framed[int] = Framed(["edge", self.label], int, nothing=True)
        self.decode, self.decode_all = self._entry.decode, self._entry.decode_all

    def of(self, owner: Any, members: Iterable[Any]) -> Result[dict[Any, int | None]]:
        """Ask what an owner's edges to these members say: {member: value, or None for no edge}."""
        source = self.here()
        by_owner, by_member = source.keys_by
        owner, members = by_owner.canonical(owner), list(members)
        prefix = f"{source.key_prefix()}{by_owner.part(owner)}:"
        if set(map(type, members)) - {int} or not by_member.is_integer:
            members = list(map(by_member.canonical, members))
        members = list(dict.fromkeys(members))
        identities = {prefix + by_member.part(member): Pair(owner, member) for member in members}
        return Result(source, identities, lambda values: dict(zip(members, values, strict=True)))

    def identity_of(self, *values: Any) -> Pair:
        return Pair(*values)

    def key(self, identity: Pair) -> str:
        source = self if self._alias else self.here()
        owner, member = source.keys_by
        return f"{source.key_prefix()}{owner.part(identity.owner)}:{member.part(identity.member)}"

    def _faults(self, using: str) -> Iterator[Fault]:
        yield from super()._faults(using)
        yield from self._integer_faults(self._value)
        yield from self._pair_faults(*self._by)

    def invalidate_owner(self, owner: Any) -> int:
        source = self.here()
        return invalidate(source.keys_of_owner(owner)[1], using=[source.using])

    def keys_of_owner(self, owner: Any) -> tuple[list[str], list[str]]:
        by_owner = self.keys_by[0]
        return [], [f"{self.key_prefix()}{by_owner.part(by_owner.canonical(owner))}:"]

    def load(self, identities: Iterable[Pair]) -> dict[Pair, int | None]:
        """Make one query: for each owner a list of members."""
        members: dict[Any, list[Any]] = {}
        for pair in identities:
            if all(kind.may_exist(each) for kind, each in zip(self.keys_by, pair, strict=True)):
                members.setdefault(pair.owner, []).append(pair.member)
        if not members:
            return {}
        owner, member = self.by
        wanted = (Q(**{owner: each, f"{member}__in": those}) for each, those in members.items())
        rows = all_rows(self.model, self.using).filter(reduce(or_, wanted))
        return {self.identity(*values): value for *values, value in rows.values_list(owner, member, self._value)}

    def encode(self, identity: Pair, value: int | None) -> tuple[bytes, int]:
        return NOTHING if value is None else self._entry.encode(value), jittered_ms(VALUE_LIFE_S)

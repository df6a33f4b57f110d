"""What an edge says: an integer column of the one row that an owner and a member have in common, or None.

    my_scores = EdgeValue(Score, owner="user", member="item", value="score")

    batch = Batch()
    scores = batch.edge_values(my_scores, user_id, [3, 1, 2])
    batch.run()
    scores.result           # {3: 8, 1: None, 2: 5}

Each pair is an entry like a row's: filled under a lease, held by whoever writes its edge; "no edge" lives as long as a
value, because an insert holds the pair that it joins.
"""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import msgspec
from django.db import models
from django.db.models import Q

from caching.codec import Stale, fingerprint
from caching.derived import Derived
from caching.options import jittered_ms
from caching.sources import NOTHING

VALUE_LIFE_S = 3_600

_pack, _unpack = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(int).decode


class Pair(NamedTuple):
    owner: Any
    member: Any


class EdgeValue(Derived):
    """`owner` and `member` are foreign keys or plain columns of an edge or a cached model, unique together, the owner
    first in the index; `value` is an integer column, of which null is answered like no edge."""

    kind = "edge"

    def __init__(self, model: type[models.Model], *, owner: str, member: str, value: str) -> None:
        super().__init__(model, value, by=(owner, member), of=(value,), where=None)
        self._value = value
        self._prefix = b"V" + fingerprint(["edge", self.label])

    def ident(self, *values: Any) -> Pair:
        return Pair(*values)

    # What Reading asks of a source.

    def key(self, pair: Pair) -> str:
        return f"{self.stem()}{pair.owner}:{pair.member}"

    def load(self, pairs: Iterable[Pair]) -> dict[Pair, int | None]:
        """One query: for each owner a list of members."""
        members: dict[Any, list[Any]] = {}
        for pair in pairs:
            members.setdefault(pair.owner, []).append(pair.member)
        owner, member = self.by
        wanted = (Q(**{owner: each, f"{member}__in": those}) for each, those in members.items())
        rows = self.model._base_manager.using(self.using).filter(reduce(or_, wanted))
        return {Pair(*values): value for *values, value in rows.values_list(owner, member, self._value)}

    def encode(self, pair: Pair, value: int | None) -> tuple[bytes, int]:
        return NOTHING if value is None else self._prefix + _pack(value), jittered_ms(VALUE_LIFE_S)

    def decode(self, pair: Pair, entry: bytes) -> int | None:
        if entry == NOTHING:
            return None
        if not entry.startswith(self._prefix):
            raise Stale
        try:
            return _unpack(entry[len(self._prefix) :])
        except msgspec.MsgspecError as error:
            raise Stale from error

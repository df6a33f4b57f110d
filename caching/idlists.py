"""The newest ids of an owner's rows, in order: what the first page of a list is made of, without SQL.

    newest_posts = IdList(Post, owner="author", newest=16, where=Q(is_hidden=False))

    batch = Batch()
    posts = batch.ids(newest_posts, author_id)
    batch.run()
    posts.result            # [902, 871, …], at most 16

Such a list is an entry like a row's: filled under a lease, held by whoever writes a row that is, was or will be in it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.db import models
from django.db.models import Q

from caching.codec import Stale, fingerprint
from caching.derived import Derived
from caching.options import jittered_ms

LIST_LIFE_S = 24 * 3_600

_pack, _unpack = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(list[int]).decode


class IdList(Derived):
    """`owner` names a foreign key or plain column of a cached model or an edge; `where` admits rows to the list."""

    kind = "list"

    def __init__(self, model: type[models.Model], *, owner: str, newest: int, where: Q | None = None) -> None:
        super().__init__(model, owner, by=(owner,), where=where)
        self.newest = newest
        self._prefix = b"V" + fingerprint(["list", self.label, newest, self.where])

    def ident(self, *values: Any) -> Any:
        (owner,) = values
        return owner

    # What Reading asks of a source.

    def key(self, owner: Any) -> str:
        return f"{self.stem()}{owner}"

    def load(self, owners: Iterable[Any]) -> Mapping[Any, list[int]]:
        """One short range of an index for each owner."""
        rows = self.model._base_manager.using(self.using).filter(self.where).order_by("-pk")
        (column,) = self.by
        return {
            owner: list(rows.filter(**{column: owner}).values_list("pk", flat=True)[: self.newest]) for owner in owners
        }

    def encode(self, owner: Any, ids: list[int]) -> tuple[bytes, int]:
        return self._prefix + _pack(ids), jittered_ms(LIST_LIFE_S)

    def decode(self, owner: Any, entry: bytes) -> list[int]:
        if not entry.startswith(self._prefix):
            raise Stale
        try:
            return _unpack(entry[len(self._prefix) :])
        except msgspec.MsgspecError as error:
            raise Stale from error

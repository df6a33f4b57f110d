"""The newest ids of an owner's rows, in order: what the first page of a list is made of, without SQL.

    newest_posts = IdList(Post, owner="author", newest=16, where=Q(is_hidden=False))

    batch = Batch()
    posts = batch.add(newest_posts.of(author_id))
    batch.run()
    posts.result            # [902, 871, …], at most 16

A list is an entry like that of a row: filled under a lease, held by the writer of a row that is, was or will be in it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.db.models import Q

from ..cacheable import all_rows
from ..options import jittered_ms
from ..protocol.codec import Framed
from .derived import Derived
from .source import Result

LIST_LIFE_S = 24 * 3_600


class IdList(Derived):
    """A source: the newest ids of the rows of an owner."""

    kind = "list"

    def __init__(self, model: type[models.Model], *, owner: str, newest: int, where: Q | None = None) -> None:
        """`owner` names a foreign key or plain column of a cached model or an edge; `where` admits rows to the list."""
        super().__init__(model, owner, by=(owner,), where=where)
        self.newest = newest
        self._entry: Framed[list[int]] = Framed(["list", self.label, newest, self.where], list[int])
        self.decode = self._entry.decode

    def of(self, owner: Any) -> Result[list[int]]:
        """Ask for the newest ids of an owner, newest first."""
        return Result(self, {self.key(owner): owner})

    def identity(self, *values: Any) -> Any:
        (owner,) = values
        return owner

    def key(self, identity: Any) -> str:
        return f"{self.key_prefix()}{identity}"

    def load(self, identities: Iterable[Any]) -> Mapping[Any, list[int]]:
        """Read one short range of an index for each owner."""
        rows = all_rows(self.model, self.using).filter(self.where).order_by("-pk")
        (column,) = self.by
        return {
            owner: list(rows.filter(**{column: owner}).values_list("pk", flat=True)[: self.newest])
            for owner in identities
        }

    def encode(self, identity: Any, value: list[int]) -> tuple[bytes, int]:
        return self._entry.encode(value), jittered_ms(LIST_LIFE_S)

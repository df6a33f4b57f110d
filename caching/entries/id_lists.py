"""The newest ids of an owner's rows, in order: what the first page of a list is made of, without SQL.

    newest_posts = IdList(Post, owner="author", newest=16, where=Q(is_hidden=False))

    batch = Batch()
    posts = batch.add(newest_posts.of(author_id))
    batch.run()
    posts.result            # [902, 871, …], at most 16

A list is an entry like that of a row: filled under a lease, held by the writer of a row that is, was or will be in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Q

from .. import registry
from ..cacheable import all_rows
from ..faults import Fault
from ..options import jittered_ms, require_positive
from ..protocol.codec import Framed, Stale, fingerprint
from .conditions import canonical
from .derived import Derived
from .source import Result

LIST_LIFE_S = 24 * 3_600


class IdList(Derived):
    """A source: the newest ids of the rows of an owner."""

    kind = "list"

    def __init__(self, model: type[models.Model], *, owner: str, newest: int, where: Q | None = None) -> None:
        """`owner` names a foreign key or plain column of a cached model or an edge; `where` admits rows to the list.

        Raises ImproperlyConfigured for what is no column, and for less than one id.
        """
        require_positive("IdList(newest=…)", newest)
        super().__init__(model, by=(owner,), where=where)
        if self.where:  # another list of the same owner has another name
            self.name = f"{self.label}.{fingerprint([canonical(self.where)]).hex()}"
        self.newest = newest
        self._entry: Framed[tuple[int, list[int]]] = Framed(["list", self.name], tuple[int, list[int]])

    def of(self, owner: Any) -> Result[list[int]]:
        """Ask for the newest ids of an owner, newest first; raises ValidationError for an owner of the wrong type."""
        source, newest = self.here(), self.newest
        identity = source.identity(owner)
        return Result(source, {source.key(identity): identity}, lambda values: values[0][:newest])

    def identity(self, *values: Any) -> Any:
        (owner,) = self.canonical(*values)
        return owner

    def key(self, identity: Any) -> str:
        (kind,) = self.at(self.using).keys_by
        return f"{self.key_prefix()}{kind.part(identity)}"

    def _faults(self, using: str) -> Iterator[Fault]:
        yield from super()._faults(using)
        yield from self._integer_faults(self.model._meta.pk.name)

    def load(self, identities: Iterable[Any]) -> Mapping[Any, list[int]]:
        """Read one short range of an index for each owner."""
        rows = all_rows(self.model, self.using).filter(self.where).order_by("-pk")
        (column,), (kind,) = self.by, self.keys_by
        return {
            owner: list(rows.filter(**{column: owner}).values_list("pk", flat=True)[: self._limit])
            if kind.may_exist(owner)
            else []
            for owner in identities
        }

    def encode(self, identity: Any, value: list[int]) -> tuple[bytes, int]:
        return self._entry.encode((self._limit, value)), jittered_ms(LIST_LIFE_S)

    def decode(self, identity: Any, entry: bytes) -> list[int]:
        limit, ids = self._entry.decode(identity, entry)
        if len(ids) == limit < self.newest:
            raise Stale
        ids_: list[int] = ids
        return ids_

    @cached_property
    def _limit(self) -> int:
        """The number of ids in an entry: the lists that differ by `newest` alone share it."""
        lists = (each for each in registry.declarations_of(self.model) if isinstance(each, IdList))
        return max(each.newest for each in lists if each.name == self.name)

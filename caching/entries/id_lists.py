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
    shape: Any = tuple[int, list[int]]
    """The type of the content of an entry: the most items that it can have, and the items."""

    def __init__(
        self, model: type[models.Model], *, owner: str, newest: int, where: Q | None = None, member: str = ""
    ) -> None:
        """`owner` names a foreign key or plain column of a cached model or an edge; `where` admits rows to the list;
        `member` is for EdgeList.

        Raises ImproperlyConfigured for what is no column, and for less than one id.
        """
        require_positive(f"{type(self).__name__}(newest=…)", newest)
        super().__init__(model, by=(owner,), of=(member,) if member else (), where=where)
        if self.where:  # another list of the same owner has another name
            self.name = f"{self.label}.{fingerprint([canonical(self.where)]).hex()}"
        self.newest = newest
        self._entry: Framed[tuple[int, list[Any]]] = Framed(["list", self.name], self.shape)

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

    def load(self, identities: Iterable[Any]) -> Mapping[Any, list[Any]]:
        """Read one short range of an index for each owner."""
        rows = all_rows(self.model, self.using).filter(self.where).order_by("-pk")
        (column,), (kind,) = self.by, self.keys_by
        return {
            owner: list(self._items(rows.filter(**{column: owner})[: self._limit])) if kind.may_exist(owner) else []
            for owner in identities
        }

    def _items(self, rows: Any) -> Any:
        return rows.values_list("pk", flat=True)

    def encode(self, identity: Any, value: list[Any]) -> tuple[bytes, int]:
        return self._entry.encode((self._limit, value)), jittered_ms(LIST_LIFE_S)

    def decode(self, identity: Any, entry: bytes) -> list[Any]:
        limit, items = self._entry.decode(identity, entry)
        if len(items) == limit < self.newest:
            raise Stale
        items_: list[Any] = items
        return items_

    @cached_property
    def _limit(self) -> int:
        """The number of ids in an entry: the lists that differ by `newest` alone share it."""
        lists = (each for each in registry.declarations_of(self.model) if isinstance(each, IdList))
        return max(each.newest for each in lists if each.name == self.name)


class EdgeList(IdList):
    """A source: the newest edges of an owner, each as the id of its row and of its member.

    newest_likes = EdgeList(Like, owner="post", member="user", newest=21)

    likes = batch.add(newest_likes.of(post_id))     # [(5012, 7), (4870, 3), …] once the batch has run
    """

    shape = tuple[int, list[tuple[int, int]]]

    def __init__(
        self, model: type[models.Model], *, owner: str, member: str, newest: int, where: Q | None = None
    ) -> None:
        """`owner` and `member` name foreign keys or plain columns of an edge or a cached model; see IdList.

        Raises ImproperlyConfigured for what is no column, and for less than one id.
        """
        super().__init__(model, owner=owner, newest=newest, where=where, member=member)
        self._member = member

    @cached_property
    def member(self) -> str:
        """The attribute name of the member's column."""
        return self.column(self._member)

    def of(self, owner: Any) -> Result[list[tuple[int, int]]]:  # type: ignore[override]
        """Ask for the newest edges of an owner, newest first; raises ValidationError for an owner of the wrong type."""
        return super().of(owner)  # type: ignore[return-value]

    def _faults(self, using: str) -> Iterator[Fault]:
        yield from super()._faults(using)
        yield from self._integer_faults(self._member)

    def _items(self, rows: Any) -> Any:
        return rows.values_list("pk", self.member)

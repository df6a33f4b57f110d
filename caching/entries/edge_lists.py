"""The newest edges of an owner, in order: what the first page of a list of members, and its cursor, are made of.

    newest_likes = EdgeList(Like, owner="post", member="user", newest=21)

    batch = Batch()
    likes = batch.add(newest_likes.of(post_id))
    batch.run()
    likes.result            # [(5012, 7), (4870, 3), …]: the ids of the row and of the member

An entry is that of an id list, in which the ids of each row follow each other.
"""

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models import Q

from ..faults import Fault
from .id_lists import IdList, ResultOfOwner
from .source import Result


class EdgeList(IdList):
    """A source: the newest edges of an owner, each as the id of its row and of its member."""

    kind = "edges"
    ids_of_a_row = 2

    def __init__(
        self, model: type[models.Model], *, owner: str, member: str, newest: int, where: Q | None = None
    ) -> None:
        """`owner` and `member` name foreign keys or plain columns of an edge or a cached model; see IdList.

        Raises ImproperlyConfigured for what is no column, and for less than one edge.
        """
        super().__init__(model, owner=owner, member=member, newest=newest, where=where)

    def of(self, owner: Any) -> Result[list[tuple[int, int]]]:  # type: ignore[override]
        """Ask for the newest edges of an owner, newest first; raises ValidationError for an owner of the wrong type."""
        source, newest = self.here(), self.newest

        def edges(values: Any) -> list[tuple[int, int]]:
            ids = source.listed(values[0]).ids
            return [*zip(ids[::2], ids[1::2], strict=True)][:newest]

        identity = source.identity(owner)
        return ResultOfOwner(source, identity, edges)

    def _faults(self, using: str) -> Iterator[Fault]:
        yield from super()._faults(using)
        yield from self._integer_faults(self.model._meta.pk.name)

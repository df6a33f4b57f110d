"""The id lists of many owners, such as of all whom a user follows, without decoding those that do not matter.

lists = batch.add(newest_posts.of_each([7, 9, 11]))
batch.run()
lists.reaching(15)      # {9: Listed((902, 871, …), False), …}: those that have any of the 15 newest ids of all
"""

from collections.abc import Sequence
from heapq import nlargest
from typing import Any, NamedTuple

from .source import Result


class Listed(NamedTuple):
    """The newest ids of an owner, newest first, and whether there are no others."""

    ids: Sequence[int]
    is_complete: bool


class ListsOfOwners(Result[None]):
    """The lists of several owners, asked of a batch. Once it has run, few of them are decoded: see `reaching`.

    Ids are positive: negative ones are taken for greater than all others.
    """

    _entries: Sequence[bytes] = ()

    def __init__(self, source: Any, owners: Sequence[Any]) -> None:
        self.source = source
        self.prefix, self.ids = source.prefix_of_integers(), source.unique(owners)

    def resolve(self, values: Sequence[Any]) -> None:
        self._entries = values

    def reaching(self, most: int, below: int | None = None) -> dict[Any, Listed]:
        """Return the lists by owner that have any of the `most` greatest ids below `below` (None: of all), as far as
        the lists go, together with all lists that begin at or above `below`."""
        source, entries = self.source, self._entries
        bound = None if below is None else source.bound(below)
        top = nlargest(most, entries if bound is None else [entry for entry in entries if entry < bound])
        least = max(source.bound(0), top[-1] if top else bound or b"")  # without empty lists
        found = zip(self.ids, entries, strict=True)
        return {owner: source.listed(entry) for owner, entry in found if entry >= least}

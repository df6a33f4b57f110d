"""Merging the newest ids of many owners into one list of ids, as far as the lists of the owners go.

A list that is not complete is right down to its last id, and says nothing of ids below. Where such ids may belong to
the page, the list is in `ended`; the caller reads them from the database.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from caching.api import Listed


class Merged(NamedTuple):
    """`owners` by id, of all ids that may be on the page; `ended` has the bounds beyond which more have to be read.

    Going down, a bound is the least id that is known, or where the page begins; going up, where the page begins.
    """

    owners: dict[int, int]
    ended: dict[int, int]


def down(lists: Mapping[int, Listed], start: int | None, size: int) -> Merged:
    """Merge for the `size` greatest ids less than `start` (None: of all).

    `lists` may leave out those of which no id is on the page.
    """
    parts = {owner: _less(listed.ids, start) for owner, listed in lists.items()}
    newest = sorted((ids[0] for ids in parts.values() if ids), reverse=True)
    floor = newest[size - 1] if len(newest) >= size else 0  # the page ends there or above
    owners = {id_: owner for owner, ids in parts.items() for id_ in ids if id_ >= floor}
    last = page(owners, size)[-1] if len(owners) >= size else 0
    ended = {
        owner: listed.ids[-1] if start is None else min(listed.ids[-1], start)
        for owner, listed in lists.items()
        if not listed.is_complete and listed.ids[-1] > last
    }
    return Merged(owners, ended)


def up(lists: Mapping[int, Listed], start: int) -> Merged:
    """Merge for the least ids greater than `start`. `lists` may leave out those that have none."""
    owners = {id_: owner for owner, listed in lists.items() for id_ in listed.ids if id_ > start}
    ended = {owner: start for owner, listed in lists.items() if not listed.is_complete and listed.ids[-1] > start}
    return Merged(owners, ended)


def page(ids: Mapping[int, int], size: int, *, upwards: bool = False) -> list[int]:
    """Return the first `size` ids in the direction in which a page goes."""
    return sorted(ids, reverse=not upwards)[:size]


def _less(ids: Sequence[int], start: int | None) -> Sequence[int]:
    return ids if start is None else [id_ for id_ in ids if id_ < start]

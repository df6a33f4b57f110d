"""What is between a viewer and others, from the viewer's own four id sets: one round trip for any number of people."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import msgspec

from caching.api import Batch, IdSet, memberships
from social.models import blocked_by, blocking, followers, following


class Relationship(msgspec.Struct, frozen=True, gc=False):
    """The viewer's, to `id`; in JSON an object."""

    id: int
    following: bool
    followed_by: bool
    mutual: bool
    blocking: bool
    blocked_by: bool


def request_relationships(batch: Batch, viewer_id: int, ids: Sequence[int]) -> Callable[[], dict[int, Relationship]]:
    """What it returns is to be called once the batch has run: {id: relationship} in the order of `ids`."""
    sets = _ask_sets(batch, (following, followers, blocking, blocked_by), viewer_id, ids)

    def relationships() -> dict[int, Relationship]:
        follows, followed, blocks, blocked = (each.members for each in sets)
        if apart := blocks | blocked:
            # The sets are read one after the other, and a block may be committed in between: then the follows that it
            # removed may still have been seen.
            follows, followed = follows - apart, followed - apart
        mutual = follows & followed
        return {
            each: Relationship(each, each in follows, each in followed, each in mutual, each in blocks, each in blocked)
            for each in ids
        }

    return relationships


def relationship_of(viewer_id: int, other_id: int) -> Relationship:
    batch = Batch()
    asked = request_relationships(batch, viewer_id, [other_id])
    batch.run()
    return asked()[other_id]


def request_blocked(batch: Batch, viewer_id: int, ids: Collection[int]) -> Callable[[], set[int]]:
    """Those of `ids` who block or are blocked by the viewer; a filter for users.list_filters."""
    sets = _ask_sets(batch, (blocking, blocked_by), viewer_id, ids)
    return lambda: set().union(*(each.members for each in sets)).intersection(ids)


def _ask_sets(batch: Batch, id_sets: Iterable[IdSet], viewer_id: int, ids: Collection[int]) -> list[Any]:
    return [batch.add(membership) for membership in memberships(id_sets, viewer_id, ids)]

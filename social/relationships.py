"""Relationships of a viewer to other users, read from the viewer's own four id sets in one round trip."""

from collections.abc import Callable, Collection, Sequence

import msgspec

from caching.api import Batch, memberships
from social.models import blocked_by, blocking, followers, following


class Relationship(msgspec.Struct, frozen=True, gc=False):
    """The viewer's relationship to the user `id`; msgspec encodes it as a JSON object."""

    id: int
    following: bool
    followed_by: bool
    mutual: bool
    blocking: bool
    blocked_by: bool

    @property
    def is_block(self) -> bool:
        """Whether one of the two blocks the other."""
        return self.blocking or self.blocked_by


def request_relationships(batch: Batch, viewer_id: int, ids: Sequence[int]) -> Callable[[], dict[int, Relationship]]:
    """Add a read to a batch; return a function that returns {id: relationship} once the batch has run."""
    sets = batch.add_all(memberships((following, followers, blocking, blocked_by), viewer_id, ids))

    def relationships() -> dict[int, Relationship]:
        follows, followed, blocks, blocked = (each.members for each in sets)
        if separated := blocks | blocked:
            # The sets are not read at one instant: a block that was committed in between has deleted these follows.
            follows, followed = follows - separated, followed - separated
        mutual = follows & followed
        return {
            each: Relationship(each, each in follows, each in followed, each in mutual, each in blocks, each in blocked)
            for each in ids
        }

    return relationships


def relationship_of(viewer_id: int, user_id: int) -> Relationship:
    """Return the relationship of a viewer to one user."""
    batch = Batch()
    read_relationships = request_relationships(batch, viewer_id, [user_id])
    batch.run()
    return read_relationships()[user_id]


def request_blocked(batch: Batch, viewer_id: int, ids: Collection[int]) -> Callable[[], set[int]]:
    """Filter for users.visibility: the users whom the viewer blocks, and the users who block the viewer."""
    sets = batch.add_all(memberships((blocking, blocked_by), viewer_id, ids))
    return lambda: set().union(*(each.members for each in sets)).intersection(ids)

"""Relationships of a viewer to other users, read from the viewer's own four id sets in one round trip."""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from itertools import product

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


_FLAGS = {
    flags: msgspec.json.encode(Relationship(0, *flags)).removeprefix(b'{"id":0')
    for flags in product((False, True), repeat=5)
}
_STRANGER = _FLAGS[(False,) * 5]


class RequestedRelationships:
    """A viewer's relationships to several users, requested from a batch; readable once the batch has run."""

    def __init__(self, batch: Batch, viewer_id: int, ids: Sequence[int]) -> None:
        self._sets = batch.add_all(memberships((following, followers, blocking, blocked_by), viewer_id, ids))

    @cached_property
    def _members(self) -> tuple[frozenset[int], ...]:
        """Those whom the viewer follows, who follow the viewer, who do both, whom the viewer blocks, who block."""
        follows, followed, blocks, blocked = (each.members for each in self._sets)
        if separated := blocks | blocked:
            # The sets are not read at one instant: a block that was committed in between has deleted these follows.
            follows, followed = follows - separated, followed - separated
        return follows, followed, follows & followed, blocks, blocked

    @property
    def separated(self) -> frozenset[int]:
        """The users whom a block separates from the viewer."""
        _, _, _, blocks, blocked = self._members
        return blocks | blocked

    def of(self, user_id: int) -> Relationship:
        """Return the relationship to one of the users."""
        return Relationship(user_id, *self._flags(user_id))

    def texts(self, ids: Sequence[int]) -> list[bytes]:
        """Return the relationships to some of the users as JSON."""
        known = frozenset().union(*self._members)
        return [b'{"id":%d%b' % (each, _FLAGS[self._flags(each)] if each in known else _STRANGER) for each in ids]

    def _flags(self, user_id: int) -> tuple[bool, ...]:
        return tuple([user_id in members for members in self._members])


def relationship_of(viewer_id: int, user_id: int) -> Relationship:
    """Return the relationship of a viewer to one user."""
    batch = Batch()
    relationships = RequestedRelationships(batch, viewer_id, [user_id])
    batch.run()
    return relationships.of(user_id)


def request_blocked(batch: Batch, viewer_id: int, ids: Collection[int]) -> Callable[[], set[int]]:
    """Filter for users.visibility: the users whom the viewer blocks, and the users who block the viewer."""
    sets = batch.add_all(memberships((blocking, blocked_by), viewer_id, ids))
    return lambda: set().union(*(each.members for each in sets)).intersection(ids)

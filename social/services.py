"""Writes of the social graph. Each is one idempotent transaction under the lock of the pair.

Within a transaction of the caller's, a user who was deleted meanwhile causes an IntegrityError instead of DoesNotExist.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import router
from django.db.models import Q, QuerySet

from caching.api import hold_instances
from jobs.deletion import in_chunks
from social.locks import lock_pair
from social.models import Block, Follow
from users.edges import delete_edge, insert_edge, referring_write
from users.models import User


class Blocked(Exception):
    """One of the two users blocks the other."""


class WithOneself(Exception):
    """A user may not follow or block the own account."""


def follow(*, follower_id: int, followee_id: int) -> bool:
    """Insert a follow; return whether it is new. Raises WithOneself, Blocked, User.DoesNotExist."""
    with _pair(follower_id, followee_id):
        if blocks_between(follower_id, followee_id).exists():
            raise Blocked
        return insert_edge(Follow, follower_id=follower_id, followee_id=followee_id)


def unfollow(*, follower_id: int, followee_id: int) -> bool:
    """Delete a follow; return whether there was one. Raises WithOneself."""
    with _pair(follower_id, followee_id):
        return delete_edge(Follow, follower_id=follower_id, followee_id=followee_id)


def block(*, blocker_id: int, blocked_id: int) -> bool:
    """Insert a block, and delete the follows of both directions; return whether the block is new.

    Raises WithOneself, User.DoesNotExist.
    """
    with _pair(blocker_id, blocked_id):
        follows = list(_follows_between(blocker_id, blocked_id))
        is_new = not Block.objects.filter(blocker_id=blocker_id, blocked_id=blocked_id).exists()
        block = Block(blocker_id=blocker_id, blocked_id=blocked_id)
        hold_instances(router.db_for_write(Block), [*follows, block] if is_new else follows)
        if is_new:
            block.save(force_insert=True)
        for each in follows:
            each.delete()
        return is_new


def unblock(*, blocker_id: int, blocked_id: int) -> bool:
    """Delete a block, without restoring follows; return whether there was one. Raises WithOneself."""
    with _pair(blocker_id, blocked_id):
        return delete_edge(Block, blocker_id=blocker_id, blocked_id=blocked_id)


def delete_edges_of(user_id: int) -> Iterator[int]:
    """Delete a user's edges and yield the number of rows per chunk; registered with users.deletion_hooks."""
    for model, *ends in ((Follow, "follower", "followee"), (Block, "blocker", "blocked")):
        for own, other in (ends, ends[::-1]):
            yield from in_chunks(model.objects.all(), by=f"{other}_id", owner={f"{own}_id": user_id})


def _follows_between(first_id: int, second_id: int) -> QuerySet[Follow]:
    forwards, back = Q(follower_id=first_id, followee_id=second_id), Q(follower_id=second_id, followee_id=first_id)
    return Follow.objects.filter(forwards | back)


def blocks_between(first_id: int, second_id: int) -> QuerySet[Block]:
    """Return the blocks between two users, in both directions."""
    forwards, back = Q(blocker_id=first_id, blocked_id=second_id), Q(blocker_id=second_id, blocked_id=first_id)
    return Block.objects.filter(forwards | back)


@contextmanager
def _pair(first_id: int, second_id: int) -> Iterator[None]:
    if first_id == second_id:
        raise WithOneself
    with referring_write(router.db_for_write(Follow), (User, first_id), (User, second_id)):
        lock_pair(first_id, second_id)
        yield

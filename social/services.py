"""Writes of the social graph. Each is one idempotent transaction under the lock of the pair.

Within a transaction of the caller's, a user who was deleted meanwhile causes an IntegrityError instead of DoesNotExist.
`read_after` is a batch to run after the commit, in the round trip that updates Redis (see Batch.join_commit).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.db import connections, router
from django.db.models import Q, QuerySet

from caching.api import Batch, delete_edge, hold_instances, insert_where
from jobs.deletion import in_chunks
from social.locks import lock_pair
from social.models import Block, Follow
from users.edges import insert_new, referring_write
from users.models import User

_FOLLOWS = "EXISTS (SELECT 1 FROM social_follow WHERE follower_id = %s AND followee_id = %s)"
_BLOCKS = "EXISTS (SELECT 1 FROM social_block WHERE blocker_id = %s AND blocked_id = %s)"
_MAY_FOLLOW = f"FROM users_user WHERE id = %s AND NOT {_FOLLOWS} AND NOT {_BLOCKS} AND NOT {_BLOCKS}"
_IS_USER = "EXISTS (SELECT 1 FROM users_user WHERE id = %s)"


class Blocked(Exception):
    """One of the two users blocks the other."""


class WithOneself(Exception):
    """A user may not follow or block the own account."""


def follow(*, follower_id: int, followee_id: int, read_after: Batch | None = None) -> bool:
    """Insert a follow; return whether it is new. Raises WithOneself, Blocked, User.DoesNotExist."""
    pair = (follower_id, followee_id)
    with _pair(*pair, read_after) as using:
        return insert_new(partial(_insert_follow, using, *pair), partial(_follows, using, *pair))


def unfollow(*, follower_id: int, followee_id: int, read_after: Batch | None = None) -> bool:
    """Delete a follow; return whether there was one. Raises WithOneself."""
    with _pair(follower_id, followee_id, read_after) as using:
        return delete_edge(using, Follow, follower_id=follower_id, followee_id=followee_id)


def block(*, blocker_id: int, blocked_id: int, read_after: Batch | None = None) -> bool:
    """Insert a block, and delete the follows of both directions; return whether the block is new.

    Raises WithOneself, User.DoesNotExist.
    """
    with _pair(blocker_id, blocked_id, read_after):
        follows = list(_follows_between(blocker_id, blocked_id))
        is_new = not Block.objects.filter(blocker_id=blocker_id, blocked_id=blocked_id).exists()
        block = Block(blocker_id=blocker_id, blocked_id=blocked_id)
        hold_instances(router.db_for_write(Block), [*follows, block] if is_new else follows)
        if is_new:
            block.save(force_insert=True)
        for each in follows:
            each.delete()
        return is_new


def unblock(*, blocker_id: int, blocked_id: int, read_after: Batch | None = None) -> bool:
    """Delete a block, without restoring follows; return whether there was one. Raises WithOneself."""
    with _pair(blocker_id, blocked_id, read_after) as using:
        return delete_edge(using, Block, blocker_id=blocker_id, blocked_id=blocked_id)


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


def _insert_follow(using: str, follower_id: int, followee_id: int) -> bool:
    """Insert a follow by one statement, unless it is there, a block is, or the followee is gone."""
    pair = (follower_id, followee_id)
    return insert_where(
        using, Follow(follower_id=follower_id, followee_id=followee_id), _MAY_FOLLOW,
        (followee_id, *pair, *pair, *pair[::-1]),
    )  # fmt: skip


def _follows(using: str, follower_id: int, followee_id: int) -> bool:
    """Return whether a follow is there already; raise the reason for which there may be none."""
    pair = (follower_id, followee_id)
    asked = (*pair, *pair[::-1], followee_id, *pair)
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {_BLOCKS} OR {_BLOCKS}, {_IS_USER}, {_FOLLOWS}", asked)
        is_blocked, may_be_followed, follows = cursor.fetchone()
    if is_blocked:
        raise Blocked
    if not may_be_followed:
        raise User.DoesNotExist
    return bool(follows)


@contextmanager
def _pair(first_id: int, second_id: int, read_after: Batch | None) -> Iterator[str]:
    """Open a transaction with the pair's lock; yield its database."""
    if first_id == second_id:
        raise WithOneself
    using = router.db_for_write(Follow)
    with referring_write(using, (User, first_id), (User, second_id)):
        lock_pair(first_id, second_id)
        yield using
        if read_after is not None:
            read_after.join_commit(using)

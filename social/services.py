"""Writes of the social graph. Each is one idempotent transaction under the lock of the pair.

Within a transaction of the caller's, a user who was deleted meanwhile causes an IntegrityError instead of DoesNotExist.
`read_after` is a batch to run after the commit, in the round trip that updates Redis (see Batch.join_commit).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.db import router
from django.db.models import Q, QuerySet

from caching.api import Batch, hold_instances, insert_where
from jobs.deletion import in_chunks
from social.locks import lock_pair
from social.models import Block, Follow
from users.edges import delete_edge, insert_new, referring_write
from users.models import User

_MAY_FOLLOW = """
    FROM users_user WHERE id = %s
    AND NOT EXISTS (SELECT 1 FROM social_follow WHERE follower_id = %s AND followee_id = %s)
    AND NOT EXISTS (SELECT 1 FROM social_block WHERE blocker_id = %s AND blocked_id = %s)
    AND NOT EXISTS (SELECT 1 FROM social_block WHERE blocker_id = %s AND blocked_id = %s)"""


class Blocked(Exception):
    """One of the two users blocks the other."""


class WithOneself(Exception):
    """A user may not follow or block the own account."""


def follow(*, follower_id: int, followee_id: int, read_after: Batch | None = None) -> bool:
    """Insert a follow; return whether it is new. Raises WithOneself, Blocked, User.DoesNotExist."""
    with _pair(follower_id, followee_id, read_after):
        insert, stands = (partial(each, follower_id, followee_id) for each in (_insert_follow, _follows))
        return insert_new(insert, stands)


def unfollow(*, follower_id: int, followee_id: int, read_after: Batch | None = None) -> bool:
    """Delete a follow; return whether there was one. Raises WithOneself."""
    with _pair(follower_id, followee_id, read_after):
        return delete_edge(Follow, follower_id=follower_id, followee_id=followee_id)


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
    with _pair(blocker_id, blocked_id, read_after):
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


def _insert_follow(follower_id: int, followee_id: int) -> bool:
    """Insert a follow by one statement, unless it is there, a block is, or the followee is gone."""
    pair = (follower_id, followee_id)
    return insert_where(
        router.db_for_write(Follow), Follow(follower_id=follower_id, followee_id=followee_id), _MAY_FOLLOW,
        (followee_id, *pair, *pair, *pair[::-1]),
    )  # fmt: skip


def _follows(follower_id: int, followee_id: int) -> bool:
    """Return whether a follow is there already; raise the reason for which there may be none."""
    if blocks_between(follower_id, followee_id).exists():
        raise Blocked
    if not User.objects.filter(pk=followee_id).exists():
        raise User.DoesNotExist
    return Follow.objects.filter(follower_id=follower_id, followee_id=followee_id).exists()


@contextmanager
def _pair(first_id: int, second_id: int, read_after: Batch | None) -> Iterator[None]:
    if first_id == second_id:
        raise WithOneself
    using = router.db_for_write(Follow)
    with referring_write(using, (User, first_id), (User, second_id)):
        lock_pair(first_id, second_id)
        yield
        if read_after is not None:
            read_after.join_commit(using)

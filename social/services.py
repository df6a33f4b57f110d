"""Writes of the social graph. Each is one transaction under the pair's lock, and repeated it changes nothing more.

Within a transaction of the caller's a user who was deleted meanwhile is an IntegrityError instead of DoesNotExist.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, connections, router
from django.db.models import Q, QuerySet

from caching.api import atomic_write, hold_instances
from jobs.deletion import in_chunks
from social.locks import lock_pair
from social.models import Block, Follow
from users.models import User


class Blocked(Exception):
    """One of the two blocks the other."""


class WithOneself(Exception):
    """Nobody follows or blocks themselves."""


def follow(*, follower_id: int, followee_id: int) -> bool:
    """Whether an edge was really inserted. Raises WithOneself, Blocked, User.DoesNotExist."""
    with _pair(follower_id, followee_id):
        if blocks_between(follower_id, followee_id).exists():
            raise Blocked
        return _insert(Follow, follower_id=follower_id, followee_id=followee_id)


def unfollow(*, follower_id: int, followee_id: int) -> bool:
    """Whether an edge was really deleted; also for removing a follower. Raises WithOneself."""
    with _pair(follower_id, followee_id):
        return _delete(Follow, follower_id=follower_id, followee_id=followee_id)


def block(*, blocker_id: int, blocked_id: int) -> bool:
    """Removes the follows of both directions in the same commit. Whether a block was really inserted.

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
    """Whether a block was really deleted; restores no follow. Raises WithOneself."""
    with _pair(blocker_id, blocked_id):
        return _delete(Block, blocker_id=blocker_id, blocked_id=blocked_id)


def delete_edges_of(user_id: int) -> Iterator[int]:
    """Deletes a user's edges, CHUNK in a transaction, and yields how many; for users.deletion_hooks."""
    for model, column in ((Follow, "follower"), (Follow, "followee"), (Block, "blocker"), (Block, "blocked")):
        yield from in_chunks(model.objects.filter(**{column: user_id}))


def _follows_between(one_id: int, other_id: int) -> QuerySet[Follow]:
    pairs = Q(follower_id=one_id, followee_id=other_id) | Q(follower_id=other_id, followee_id=one_id)
    return Follow.objects.filter(pairs)


def blocks_between(one_id: int, other_id: int) -> QuerySet[Block]:
    """In either direction."""
    return Block.objects.filter(Q(blocker_id=one_id, blocked_id=other_id) | Q(blocker_id=other_id, blocked_id=one_id))


@contextmanager
def _pair(one_id: int, other_id: int) -> Iterator[None]:
    if one_id == other_id:
        raise WithOneself
    using = router.db_for_write(Follow)
    try:
        with atomic_write(using):
            lock_pair(one_id, other_id)
            yield
    except IntegrityError:  # one of the two was deleted meanwhile; SQLite says so at the commit only
        # Within a caller's transaction nothing more can be asked.
        if not connections[using].needs_rollback and User.objects.filter(pk__in=(one_id, other_id)).count() < 2:
            raise User.DoesNotExist from None
        raise


def _insert(model: type[Follow] | type[Block], **pair: int) -> bool:
    if model.objects.filter(**pair).exists():
        return False
    model(**pair).save(force_insert=True)
    return True


def _delete(model: type[Follow] | type[Block], **pair: int) -> bool:
    edge = model.objects.filter(**pair).first()
    if edge is not None:
        edge.delete()
    return edge is not None

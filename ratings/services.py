"""Writes of ratings. No user waits for another one: see docs/decisions/0006-rating-without-locks.md."""

from collections import Counter

from django.db import IntegrityError, router

from caching.api import Batch, atomic_write, delete_edge, is_passing
from counters.api import append_deltas
from ratings import scores
from ratings.counts import KIND, histogram_counter
from ratings.models import Item, Score, my_scores
from users.edges import referring_write
from users.models import User


class TooFast(Exception):
    """A concurrent write has changed the same score; nothing was written."""


def publish(*, title: str, description: str = "") -> Item:
    """Create an item."""
    return Item.objects.create_one(title=title, description=description)


def rate(*, user_id: int, item_id: int, score: int, is_first: bool = False, read_after: Batch | None = None) -> None:
    """Insert or change a user's score of an item. Raises TooFast, Item.DoesNotExist, User.DoesNotExist.

    `is_first` says that there seems to be no score of the user's yet, which saves a query if it is right. `read_after`
    is a batch to run after the commit, in the round trip that updates Redis (see Batch.join_commit).
    """
    using = router.db_for_write(Score)
    if is_first:
        try:
            _store(using, user_id, item_id, None, score, read_after)
        except TooFast:
            pass  # there is one after all
        else:
            return
    before = scores.select(using, user_id, item_id)
    if before is not None and before.score == score:
        return
    _store(using, user_id, item_id, before, score, read_after)


def _store(
    using: str, user_id: int, item_id: int, before: scores.StoredScore | None, score: int, read_after: Batch | None
) -> None:
    try:
        with referring_write(using, (Item, item_id), (User, user_id)):
            my_scores.hold(using, [my_scores.identity(user_id, item_id)])
            changes = _write(using, user_id, item_id, before, score)
            append_deltas(using, Counter({(KIND, item_id, name): amount for name, amount in changes.items()}))
            if read_after is not None:
                read_after.join_commit(using)
    except IntegrityError as error:
        if is_passing(error):
            raise  # a table that the score refers to is being changed
        raise TooFast from None  # a concurrent request has inserted the score


def withdraw(*, user_id: int, item_id: int, read_after: Batch | None = None) -> bool:
    """Delete a user's score of an item; return whether there was one. For `read_after` see rate()."""
    using = router.db_for_write(Score)
    with atomic_write(using):
        deleted = delete_edge(using, Score, user_id=user_id, item_id=item_id)
        if deleted and read_after is not None:
            read_after.join_commit(using)
        return deleted


def _write(using: str, user_id: int, item_id: int, before: scores.StoredScore | None, after: int) -> dict[str, int]:
    """Write the score; return the changes of the counters. Raise TooFast if the score is no longer `before`."""
    if before is None:
        scores.insert(using, user_id, item_id, after)
        return {"count": 1, "sum": after, histogram_counter(after): 1}
    if not scores.update_if_unchanged(using, before, after):
        raise TooFast
    return {"sum": after - before.score, histogram_counter(before.score): -1, histogram_counter(after): 1}

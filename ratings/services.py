"""Writes of ratings. Nobody waits for anybody but themselves: see docs/decisions/0006-rating-without-locks.md."""

from collections import Counter

from django.db import IntegrityError, OperationalError, router

from caching.api import Batch, atomic_write
from counters.api import append_deltas
from ratings import scores
from ratings.counts import KIND, histogram_counter
from ratings.models import Item, Score, my_scores
from users.models import User

DEADLOCK = 1213  # as MySQL numbers it


class TooFast(Exception):
    """Another write of the same user's score of this item came in between; nothing was changed."""


def publish(*, title: str, description: str = "") -> Item:
    return Item.objects.create_one(title=title, description=description)


def rate(*, user_id: int, item_id: int, score: int, then: Batch | None = None) -> None:
    """`then` is what is read after it, in the round trip that tells Redis of the commit (see Batch.join_commit).

    Raises TooFast, Item.DoesNotExist, User.DoesNotExist.
    """
    using = router.db_for_write(Score)
    before = scores.select(using, user_id, item_id)
    if before is not None and before.score == score:
        return
    try:
        with atomic_write(using):
            my_scores.hold(using, [my_scores.identity(user_id, item_id)])
            changes = _written(using, user_id, item_id, before, score)
            append_deltas(using, Counter({(KIND, item_id, name): amount for name, amount in changes.items()}))
            if then is not None:
                then.join_commit(using)
    except IntegrityError:  # SQLite says so at the commit only
        for model, pk in ((Item, item_id), (User, user_id)):
            if not model.objects.filter(pk=pk).exists():  # by now
                raise model.DoesNotExist from None
        raise TooFast from None  # the other one was the first
    except OperationalError as error:
        # Several waited for one first score to be there or not, and its writer was killed: one of them is let through.
        if error.args[0] == DEADLOCK:
            raise TooFast from None
        raise


def withdraw(*, user_id: int, item_id: int, then: Batch | None = None) -> bool:
    """Whether there was a score. `then`: as of `rate`."""
    using = router.db_for_write(Score)
    with atomic_write(using):
        found = Score.objects.filter(user_id=user_id, item_id=item_id).first()
        if found is not None:
            found.delete()
            if then is not None:
                then.join_commit(using)
        return found is not None


def _written(using: str, user_id: int, item_id: int, before: scores.StoredScore | None, after: int) -> dict[str, int]:
    """Writes the row; what that changes of the counters. Guarded by the score that was read: whoever lost the race
    changes nothing."""
    if before is None:
        scores.insert(using, user_id, item_id, after)
        return {"count": 1, "sum": after, histogram_counter(after): 1}
    if not scores.update_if_unchanged(using, before, after):
        raise TooFast
    return {"sum": after - before.score, histogram_counter(before.score): -1, histogram_counter(after): 1}

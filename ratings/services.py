"""Writes of ratings. Nobody waits for anybody but themselves: see docs/decisions/0006-rating-without-locks.md."""

from collections import Counter

from django.db import IntegrityError, OperationalError, models, router

from caching import holds
from counters import deltas
from ratings.counts import KIND, bar
from ratings.models import Item, Score, my_scores
from users.models import User

DEADLOCK = 1213  # as MySQL numbers it


class TooFast(Exception):
    """Another write of the same user's score of this item came in between; nothing was changed."""


def publish(*, title: str, description: str = "") -> Item:
    return Item.objects.create_one(title=title, description=description)


def rate(*, user_id: int, item_id: int, score: int) -> None:
    """Raises TooFast, Item.DoesNotExist, User.DoesNotExist."""
    using = router.db_for_write(Score)
    try:
        with holds.transaction_of(using):
            before = _score(user_id, item_id)
            if before is None:
                Score(user_id=user_id, item_id=item_id, score=score).save(force_insert=True)
            elif before.score != score:
                _change(using, before, score)
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


def withdraw(*, user_id: int, item_id: int) -> bool:
    """Whether there was a score."""
    with holds.transaction_of(router.db_for_write(Score)):
        found = _score(user_id, item_id)
        if found is not None:
            found.delete()
        return found is not None


def _score(user_id: int, item_id: int) -> Score | None:
    return Score.objects.filter(user_id=user_id, item_id=item_id).first()


def _change(using: str, before: Score, score: int) -> None:
    """One UPDATE, guarded by the score that was read: whoever lost the race changes nothing."""
    my_scores.hold(using, [my_scores.ident(before.user_id, before.item_id)])
    # Past the manager, which refuses what cannot tell the counters; they are told right here, without reading again.
    # By the primary key: InnoDB would lock the pair's index first and the row then, a withdrawal the other way round.
    mine = models.QuerySet(Score, using=using).filter(pk=before.pk, score=before.score)
    if not mine.update(score=score):
        raise TooFast
    changes = {"sum": score - before.score, bar(before.score): -1, bar(score): +1}
    deltas.append(using, Counter({(KIND, before.item_id, name): amount for name, amount in changes.items()}))

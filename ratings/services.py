"""Writes of ratings. Nobody waits for anybody but themselves: see docs/decisions/0006-rating-without-locks.md."""

from collections import Counter
from collections.abc import Iterator

from django.db import IntegrityError, models, router

from caching import holds
from counters import deltas
from ratings.counts import KIND, bar
from ratings.models import Item, Score
from users.models import User

CHUNK = 200  # scores deleted in one transaction


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
            elif before != score:
                _change(using, user_id, item_id, before, score)
    except IntegrityError:  # SQLite says so at the commit only
        for model, pk in ((Item, item_id), (User, user_id)):
            if not model.objects.filter(pk=pk).exists():  # by now
                raise model.DoesNotExist from None
        raise TooFast from None  # the other one was the first


def withdraw(*, user_id: int, item_id: int) -> bool:
    """Whether there was a score."""
    with holds.transaction_of(router.db_for_write(Score)):
        found = Score.objects.filter(user_id=user_id, item_id=item_id).first()
        if found is not None:
            found.delete()
        return found is not None


def end_scores_of(user_id: int) -> Iterator[int]:
    """Deletes a user's scores, CHUNK in a transaction, and yields how many; for users.farewells."""
    scores = Score.objects.filter(user_id=user_id)
    while pks := list(scores.values_list("pk", flat=True)[:CHUNK]):
        Score.objects.filter(pk__in=pks).delete()
        yield len(pks)


def scores_of(user_id: int, item_ids: list[int]) -> dict[int, int]:
    """{item id: score} of those that the user has rated; one SQL query."""
    return dict(Score.objects.filter(user_id=user_id, item_id__in=item_ids).values_list("item_id", "score"))


def _score(user_id: int, item_id: int) -> int | None:
    return Score.objects.filter(user_id=user_id, item_id=item_id).values_list("score", flat=True).first()


def _change(using: str, user_id: int, item_id: int, before: int, after: int) -> None:
    """One UPDATE, guarded by the score that was read: whoever lost the race changes nothing."""
    # Past the manager, which refuses what cannot tell the counters; they are told right here, without reading again.
    mine = models.QuerySet(Score, using=using).filter(user_id=user_id, item_id=item_id, score=before)
    if not mine.update(score=after):
        raise TooFast
    changes = {"sum": after - before, bar(before): -1, bar(after): +1}
    deltas.append(using, Counter({(KIND, item_id, name): amount for name, amount in changes.items()}))

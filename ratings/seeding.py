"""Demo items and their scores, one item per transaction. A second run adds what is missing."""

from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from ratings import demo
from ratings.demo import DemoItem
from ratings.models import Item, Score


def seed(user_ids: Sequence[int]) -> dict[str, int]:
    """Add items and the users' scores, always the same ones; return the number added by kind. For users.seeding."""
    added = Counter(items=0, scores=0)
    for demo_item in demo.items():
        with transaction.atomic():
            added.update(_add(demo_item, user_ids))
    return dict(added)


def _add(demo_item: DemoItem, user_ids: Sequence[int]) -> dict[str, int]:
    # A demo item is identified by its time, as the staff may have changed its title.
    item, is_new = Item.objects.get_or_create(
        created_at=demo_item.created_at,
        removed_at=None,
        defaults={"title": demo_item.title, "description": demo_item.description},
    )
    rated = set(Score.objects.filter(item=item).values_list("user_id", flat=True))
    given = ((user_ids[user], score) for user, score in demo_item.scores(len(user_ids)))
    scores = [Score(user_id=user_id, item=item, score=score) for user_id, score in given if user_id not in rated]
    Score.objects.bulk_create(scores)
    return {"items": int(is_new), "scores": len(scores)}

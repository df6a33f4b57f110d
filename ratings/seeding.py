"""Demo items and their scores, an item in a transaction; running it again adds what is missing."""

from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from ratings import demo
from ratings.demo import Thing
from ratings.models import Item, Score


def seed(user_ids: Sequence[int]) -> dict[str, int]:
    """Items, and what these users give them, for users.seeding; always the same ones. Returns how many were added."""
    added = Counter(items=0, scores=0)
    for thing in demo.things():
        with transaction.atomic():
            added.update(_add(thing, user_ids))
    return dict(added)


def _add(thing: Thing, user_ids: Sequence[int]) -> dict[str, int]:
    # Its time tells a demo item from all others, whatever the staff calls it by now.
    item, is_new = Item.objects.get_or_create(
        created_at=thing.created_at,
        removed_at=None,
        defaults={"title": thing.title, "description": thing.description},
    )
    there = set(Score.objects.filter(item=item).values_list("user_id", flat=True))
    given = ((user_ids[person], score) for person, score in thing.scores(len(user_ids)))
    scores = [Score(user_id=user_id, item=item, score=score) for user_id, score in given if user_id not in there]
    Score.objects.bulk_create(scores)
    return {"items": int(is_new), "scores": len(scores)}

"""A user with many rows of every kind, for tests of the deletion; and whether anything is left of one."""

from collections.abc import Iterable
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db.models import Q, QuerySet

from caching.api import redis_client
from counters import reconcile, registry
from counters.models import Counter, Delta
from posts.models import Comment, Favorite, Like, Post
from ratings.models import Item, Score
from social.models import Block, Follow
from users.models import Erasure, User

BATCH = 5_000
KINDS = ("user", "post", "rating")


def insert(model: Any, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows without signals, so that nothing is counted or held."""
    QuerySet(model).bulk_create([model(**row) for row in rows], batch_size=BATCH)


def make_famous(user_id: int, size: int) -> int:
    """Insert `size` other users, and about 10 × size rows that refer to a user, all counted; return their number."""
    others = range(user_id + 1, user_id + 1 + size)
    insert(User, ({"pk": pk, "username": f"other_{pk}"} for pk in others))
    first = (Post.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    own, foreign = range(first, first + size // 10), range(first + size // 10, first + size // 10 + 3 * size)
    insert(Post, ({"pk": pk, "author_id": others[pk % size], "text": "x"} for pk in foreign))
    insert(Post, ({"pk": pk, "author_id": user_id, "text": "x", "repost_of_id": foreign[0]} for pk in own))
    insert(Post, ({"author_id": others[0], "text": "x", "repost_of_id": pk} for pk in own[:5]))
    insert(Item, ({"pk": pk, "title": "x"} for pk in others))
    insert(Follow, ({"follower_id": pk, "followee_id": user_id} for pk in others))
    insert(Follow, ({"follower_id": user_id, "followee_id": pk} for pk in others[: size // 2]))
    insert(Block, ({"blocker_id": user_id, "blocked_id": pk} for pk in others[size // 2 :]))
    insert(Like, ({"user_id": user_id, "post_id": pk} for pk in foreign))
    insert(Favorite, ({"user_id": user_id, "post_id": pk} for pk in foreign[: 2 * size]))
    insert(Comment, ({"author_id": user_id, "post_id": pk, "text": "x"} for pk in foreign[:size]))
    insert(Like, ({"user_id": pk, "post_id": own[pk % len(own)]} for pk in others))
    insert(Score, ({"user_id": user_id, "item_id": pk, "score": pk % 10 + 1} for pk in others))
    for kind in KINDS:
        _count(kind)
    return rows_of(user_id)


def _count(kind: str) -> None:
    """Insert the counters of a kind as they are after a roll-up."""
    for name, counter in registry.counters_of(kind).items():
        rows = QuerySet(counter.model).filter(counter.where or Q(), **{f"{counter.owner}__isnull": False})
        totals = rows.values_list(counter.owner).annotate(total=counter.total()).order_by()
        insert(Counter, ({"kind": kind, "target_id": pk, "name": name, "value": total} for pk, total in totals))


def rows_of(user_id: int) -> int:
    """Return the number of rows that refer to a user, or to the user's posts."""
    edges = (
        (Follow, "follower"), (Follow, "followee"), (Block, "blocker"), (Block, "blocked"), (Like, "user"),
        (Favorite, "user"), (Comment, "author"), (Score, "user"), (Post, "author"), (Like, "post__author"),
    )  # fmt: skip
    return sum(model.objects.filter(**{column: user_id}).count() for model, column in edges)


def drifts() -> list[Any]:
    """Return the counters of all kinds that differ from the rows."""
    return [drift for kind in KINDS for chunk in reconcile.run(kind, mend=False) for drift in chunk.drifts]


def counters_of(user_id: int) -> int:
    """Return the number of rows in which a user is counted."""
    return sum(model.objects.filter(kind="user", target_id=user_id).count() for model in (Counter, Delta))


def keys_naming(*names: object) -> list[str]:
    """Return the keys in Redis that have one of the names for a part, and those of sets that have it for a member."""
    wanted = {str(name) for name in names}
    found = []
    for raw in redis_client().scan_iter(count=1_000):
        key = raw.decode()
        parts = set(key.replace("{", ":").replace("}", ":").split(":"))
        if parts & wanted or _has_member(raw, wanted):
            found.append(key)
    return found


def _has_member(key: bytes, wanted: set[str]) -> bool:
    if redis_client().type(key) != b"set":
        return False
    return any(redis_client().sismember(key, name) for name in wanted)


def finish() -> None:
    """Run the background commands once, and the second purge as if its time had come."""
    for name in ("drain_popup_events", "sweep_removed", "rollup_counters"):
        call_command(name, once=True, stdout=StringIO())
    Erasure.objects.exclude(gone_at=None).update(due_at="2000-01-01T00:00:00Z", gone_at="2000-01-01T00:00:00Z")
    call_command("sweep_removed", once=True, stdout=StringIO())

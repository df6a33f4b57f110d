"""Other processes of the application: they make much of posts, remove them, or are killed while they do."""

import contextlib
import random
import time
from collections import Counter

from tests.caching.processes import die

CHUNK = 5


def toggle(user_ids: list[int], post_id: int, times: int, seed: int) -> int:
    """Random likes and unlikes; how many more likes were really inserted than deleted."""
    from posts import services

    chance, more = random.Random(seed), 0
    for _ in range(times):
        pair = {"user_id": chance.choice(user_ids), "post_id": post_id}
        more += services.like(**pair) if chance.random() < 0.6 else -services.unlike(**pair)
    return more


def mark(user_ids: list[int], post_ids: list[int], seed: int) -> dict[str, int]:
    """Over HTTP, each post until it is gone; how many answers of each status there were."""
    from django.conf import settings

    from tests.api.client import ApiClient
    from users.models import User

    settings.THROTTLES = {}
    api, chance, answers = ApiClient(), random.Random(seed), Counter()
    people = list(User.objects.filter(pk__in=user_ids))
    for post_id in post_ids:
        status = 0
        while status != 404:
            method, address, body = chance.choice(
                [
                    ("PUT", f"posts/{post_id}/like", None),
                    ("DELETE", f"posts/{post_id}/like", None),
                    ("PUT", f"posts/{post_id}/favorite", None),
                    ("POST", f"posts/{post_id}/comments", {"text": "Hi"}),
                    ("POST", "posts", {"text": "Look", "repost_of": post_id}),
                ]
            )
            status = api.request(method, address, body, by=chance.choice(people)).status
            answers[str(status)] += 1
    return answers


def remove(author_id: int, post_ids: list[int], longest_s: float) -> dict[str, int]:
    """Over HTTP, each post after a while, and once more; the rest is left to sweep()."""
    from jobs import deletion
    from tests.api.client import ApiClient
    from users.models import User

    deletion.CHUNK = deletion.AT_ONCE = CHUNK
    api, answers, author = ApiClient(), Counter(), User.objects.get(pk=author_id)
    for post_id in post_ids:
        time.sleep(random.uniform(0, longest_s))
        for _ in range(2):
            answers[str(api.delete(f"posts/{post_id}", by=author).status)] += 1
    return answers


def sweep(post_ids: list[int]) -> int:
    """Until none of these posts is left; how many rows were deleted."""
    from django.db import OperationalError

    from jobs import deletion
    from posts import removal
    from posts.models import Post

    deletion.CHUNK, rows = CHUNK, 0
    while Post.objects.filter(pk__in=post_ids).exists():
        with contextlib.suppress(OperationalError):  # a deadlock with the author's own; as the command, it tries again
            rows += next(removal.removed_posts.sweep(), 0)
    return rows


def leave(user_ids: list[int], longest_s: float) -> None:
    """These users are deleted, each after a while."""
    from jobs import deletion
    from users.services import delete_user

    deletion.CHUNK = CHUNK
    for user_id in user_ids:
        time.sleep(random.uniform(0, longest_s))
        list(delete_user(user_id))


def die_at(work: str, post_id: int, commits: int, when: str) -> None:
    """Removes or sweeps a post, and dies just before or after its n-th commit."""
    from django.db import connection

    from jobs import deletion
    from posts import removal

    deletion.CHUNK, left, commit = CHUNK, commits, connection._commit

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0 and when == "before":
            die()
        commit()
        if left == 0:
            die()

    connection._commit = count
    removal.remove([post_id]) if work == "remove" else list(removal.removed_posts.sweep())

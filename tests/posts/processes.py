"""Other processes of the application: they make much of posts, remove them, or are killed while they do.

python -m tests.posts.processes WORK '[arguments]'; answers one JSON document.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from typing import Any

from tests.caching.processes import die
from tests.social import processes

ENVIRONMENT = processes.ENVIRONMENT
CHUNK = 5
at_once = partial(processes.at_once, module="tests.posts.processes")


def toggle(user_ids: list[int], post_id: int, times: int, seed: int) -> int:
    """Random likes and unlikes; how many more likes were really inserted than deleted."""
    from posts import services

    chance, more = random.Random(seed), 0
    for _ in range(times):
        pair = {"user_id": chance.choice(user_ids), "post_id": post_id}
        more += services.like(**pair) if chance.random() < 0.6 else -services.unlike(**pair)
    return more


def act(role: str, *arguments: Any) -> Any:
    from tests.api.client import ApiClient

    ApiClient().get("users/me")  # makes the schema, which takes a while; afterwards all are at it
    return {"mark": mark, "remove": remove, "sweep": sweep, "leave": leave}[role](*arguments)


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
    from posts import removal
    from tests.api.client import ApiClient
    from users.models import User

    removal.CHUNK = removal.AT_ONCE = CHUNK
    api, answers, author = ApiClient(), Counter(), User.objects.get(pk=author_id)
    for post_id in post_ids:
        time.sleep(random.uniform(0, longest_s))
        for _ in range(2):
            answers[str(api.delete(f"posts/{post_id}", by=author).status)] += 1
    return answers


def sweep(post_ids: list[int]) -> int:
    """Until none of these posts is left; how many rows were deleted."""
    from django.db import OperationalError

    from posts import removal
    from posts.models import Post

    removal.CHUNK, rows = CHUNK, 0
    while Post.objects.filter(pk__in=post_ids).exists():
        with contextlib.suppress(OperationalError):  # a deadlock with the author's own; as the command, it tries again
            rows += next(removal.sweep(), 0)
    return rows


def leave(user_ids: list[int], longest_s: float) -> None:
    """These users are deleted, each after a while."""
    from posts import removal
    from users.services import delete_user

    removal.CHUNK = CHUNK
    for user_id in user_ids:
        time.sleep(random.uniform(0, longest_s))
        list(delete_user(user_id))


def killed(work: str, post_id: int, commits: int, when: str) -> None:
    """Another process removes or sweeps a post, and is killed just before or after its n-th commit."""
    command = [sys.executable, "-m", "tests.posts.processes", "die_at", json.dumps([work, post_id, commits, when])]
    done = subprocess.run(command, env=os.environ | ENVIRONMENT, input="go\n", text=True, stdout=subprocess.PIPE)
    assert done.returncode == -signal.SIGKILL, done


def die_at(work: str, post_id: int, commits: int, when: str) -> None:
    from django.db import connection

    from posts import removal

    removal.CHUNK, left, commit = CHUNK, commits, connection._commit

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0 and when == "before":
            die()
        commit()
        if left == 0:
            die()

    connection._commit = count
    removal.remove([post_id]) if work == "remove" else list(removal.sweep())


if __name__ == "__main__":
    processes.main(globals(), *sys.argv[1:])

"""manage.py write_follows: write follows as fast as one process can, by the service that requests use."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.core.management.base import BaseCommand

from social import services
from users.models import User


class FollowTask(NamedTuple):
    """What one process writes: every `step`th user from `first` on follows the user `shift` ids later, or `celebrity`.

    The ids form a ring of `users`. The task starts at the Unix time `begins_at` and ends after `seconds`.
    """

    first: int
    step: int
    users: int
    shift: int
    celebrity: int | None
    begins_at: float
    seconds: float

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield (follower id, followee id)."""
        for follower in range(self.first, self.users + 1, self.step):
            yield follower, self.celebrity or (follower + self.shift - 1) % self.users + 1


class Command(BaseCommand):
    """Command `write_follows`: runs the tasks of FollowWriters until its input ends, and times each follow."""

    help = (
        'Print "ready"; then run each FollowTask (a JSON list) on standard input, and print {"seconds": how long it '
        'took, "latencies_ms": of each follow}.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        pass

    def handle(self, *args: Any, **options: Any) -> None:
        User.objects.get_one(1)  # connects this process to Redis and the database
        self._print("ready")
        for line in sys.stdin:
            self._print(json.dumps(run(FollowTask(*json.loads(line)))))

    def _print(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def run(task: FollowTask) -> dict[str, Any]:
    """Write the follows of a task; return {"seconds", "latencies_ms"}."""
    time.sleep(max(0.0, task.begins_at - time.time()))
    began = time.perf_counter()
    latencies_ms = []
    for follower_id, followee_id in task.pairs():
        starts = time.perf_counter()
        if starts - began >= task.seconds:
            break
        services.follow(follower_id=follower_id, followee_id=followee_id)
        latencies_ms.append((time.perf_counter() - starts) * 1_000)
    return {"seconds": time.perf_counter() - began, "latencies_ms": latencies_ms}

"""manage.py write_follows: one process follows users as fast as it can, by the service that requests use."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.core.management.base import BaseCommand

from social import services
from users.models import User


class Order(NamedTuple):
    """Each of the users from `first` on, every `step`th, follows whoever comes `shift` ids later, counted in a ring of
    all `users`; or all of them follow the `celebrity`. Until `seconds` after the Unix time `begins_at` are over."""

    first: int
    step: int
    users: int
    shift: int
    celebrity: int | None
    begins_at: float
    seconds: float

    def pairs(self) -> Iterator[tuple[int, int]]:
        """(follower, followee)"""
        for follower in range(self.first, self.users + 1, self.step):
            yield follower, self.celebrity or (follower + self.shift - 1) % self.users + 1


class Command(BaseCommand):
    help = (
        'Say "ready"; then carry out each Order (a JSON list) on standard input, and answer {"seconds": how long it '
        'took, "latencies_ms": of each follow}.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        pass

    def handle(self, *args: Any, **options: Any) -> None:
        User.objects.get_one(1)  # this process has met Redis and the database
        self._say("ready")
        for line in sys.stdin:
            self._say(json.dumps(carried_out(Order(*json.loads(line)))))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def carried_out(order: Order) -> dict[str, Any]:
    time.sleep(max(0.0, order.begins_at - time.time()))
    began = time.perf_counter()
    latencies_ms = []
    for follower_id, followee_id in order.pairs():
        starts = time.perf_counter()
        if starts - began >= order.seconds:
            break
        services.follow(follower_id=follower_id, followee_id=followee_id)
        latencies_ms.append((time.perf_counter() - starts) * 1_000)
    return {"seconds": time.perf_counter() - began, "latencies_ms": latencies_ms}

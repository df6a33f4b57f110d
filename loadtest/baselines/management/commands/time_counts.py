"""manage.py time_counts: time the number of a user's followers, by COUNT(*) and by the counter."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from counters import queries, reads
from social.models import Follow

VARIANTS: dict[str, Callable[[int], int]] = {
    "COUNT(*)": lambda pk: Follow.objects.filter(followee_id=pk).count(),
    "counter by SQL": lambda pk: queries.read_targets({"user": [pk]})["user", pk]["followers"],
    "counter, cached": lambda pk: reads.counts_of("user", [pk])[pk]["followers"],
}


class Command(BaseCommand):
    """Command `time_counts`: times the VARIANTS in turn, each for some seconds a round, for each user."""

    help = (
        "Count the followers of users by each variant, in turn; print the rounds of each variant and user as JSON: "
        "{variant: {pk: [{count, seconds, latencies_ms}]}}. One thread, one connection, one query after the other."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pks", type=int, nargs="+")
        parser.add_argument("--rounds", type=int, required=True)
        parser.add_argument("--seconds", type=float, required=True, help="of each variant and user in a round")

    def handle(self, *args: Any, pks: list[int], rounds: int, seconds: float, **options: Any) -> None:
        found: dict[str, dict[int, list[Any]]] = {name: {pk: [] for pk in pks} for name in VARIANTS}
        for count in VARIANTS.values():
            for pk in pks:
                count(pk)  # connects, and fills the caches of the database
        for _ in range(rounds):
            for name, count in VARIANTS.items():
                for pk in pks:
                    found[name][pk].append(_timed(count, pk, seconds))
        self.stdout.write(json.dumps(found))


def _timed(count: Callable[[int], int], pk: int, seconds: float) -> dict[str, Any]:
    latencies_ms = []
    began = ended = time.perf_counter()
    while ended - began < seconds:
        starts = time.perf_counter()
        number = count(pk)
        ended = time.perf_counter()
        latencies_ms.append((ended - starts) * 1_000)
    return {"count": number, "seconds": ended - began, "latencies_ms": latencies_ms}

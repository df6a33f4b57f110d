"""manage.py time_shapes: time how entries of users become JSON, decoded and written anew or remembered."""

import json
import time
import tracemalloc
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from api.json import encoded, without_times
from caching.api import Batch
from caching.extend import projection
from users.models import User
from users.projections import PUBLIC, PUBLIC_JSON

ROWS = Batch().rows(User, [1]).source
TEXTS = {
    "nickname": "Nick Name", "bio": "A bio of some length, as people write them, perhaps.", "gender": "female",
    "city": "Berlin", "country": "DE", "language": "de", "avatar": "https://cdn.example.com/a/1234567.jpg",
}  # fmt: skip


def _entry(pk: int) -> bytes:
    user = User(id=pk, username=f"user_{pk}", created_at=timezone.now(), **TEXTS)
    return ROWS.codec.encode(ROWS.codec.row([getattr(user, name) for name in ROWS.codec.columns]))


def _with_dictionaries(entries: Sequence[bytes]) -> bytes:
    rows = ROWS.codec.entry.decode_all(entries, entries)
    return encoded({"results": [{name: getattr(row, name) for name in PUBLIC} for row in rows], "missing": []})


def _with_structs(entries: Sequence[bytes]) -> bytes:
    rows = ROWS.codec.entry.decode_all(entries, entries)
    return encoded({"results": projection(PUBLIC)(rows), "missing": []})


def _remembered(entries: Sequence[bytes]) -> bytes:
    rows = ROWS.decode_all(entries, entries)
    return encoded(without_times({"results": PUBLIC_JSON.of(rows), "missing": []}))


VARIANTS: dict[str, Callable[[Sequence[bytes]], bytes]] = {
    "dictionaries": _with_dictionaries, "structs": _with_structs, "remembered": _remembered
}  # fmt: skip


class Command(BaseCommand):
    """Command `time_shapes`: times the VARIANTS in turn, and weighs what is remembered of a user."""

    help = (
        "Make JSON of the entries of users by each variant, in turn; print the least µs of each, and how many bytes a "
        "process keeps of a user that it remembers, as JSON: {variant: µs, …, bytes}. Asks neither database nor Redis."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--users", type=int, default=50)
        parser.add_argument("--times", type=int, default=500, help="of each variant in each of 7 rounds")

    def handle(self, *args: Any, users: int, times: int, **options: Any) -> None:
        entries = [_entry(pk) for pk in range(1, users + 1)]
        found = {name: min(_timed_us(make, entries, times) for _ in range(7)) for name, make in VARIANTS.items()}
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for pk in range(10_001, 11_001):
            _remembered([_entry(pk)])
        found["bytes"] = (tracemalloc.get_traced_memory()[0] - before) / 1_000
        self.stdout.write(json.dumps(found))


def _timed_us(make: Callable[[Sequence[bytes]], bytes], entries: Sequence[bytes], times: int) -> float:
    """Return the CPU of one call; each gets copies of the entries, as they come from a socket."""
    copies = [[bytes(bytearray(entry)) for entry in entries] for _ in range(times)]
    began = time.thread_time()
    for each in copies:
        make(each)
    return (time.thread_time() - began) / times * 1e6

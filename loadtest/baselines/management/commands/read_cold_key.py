"""manage.py read_cold_key: many threads read one row through the manager at the same moment."""

import sys
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from users.models import User

THREAD_STACK_BYTES = 512 * 1024


class Command(BaseCommand):
    help = (
        'Say "ready"; then for each line "<pk> <Unix time>" on standard input let --threads threads read that user at '
        'that time, and say "<reads that gave the right row> <errors>".'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, required=True)

    def handle(self, *args: Any, threads: int, **options: Any) -> None:
        threading.stack_size(THREAD_STACK_BYTES)
        User.objects.get_one(1)  # this process has met Redis and the database
        self._say("ready")
        for line in sys.stdin:
            pk, begins_at = line.split()
            good = _round(int(pk), float(begins_at), threads)
            self._say(f"{good} {threads - good}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _round(pk: int, begins_at: float, count: int) -> int:
    barrier = threading.Barrier(count + 1)
    good: list[int] = []
    threads = [threading.Thread(target=_read, args=(pk, barrier, good)) for _ in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(max(0.0, begins_at - time.time()))
    barrier.wait()
    for thread in threads:
        thread.join()
    return len(good)


def _read(pk: int, barrier: threading.Barrier, good: list[int]) -> None:
    try:
        barrier.wait()
        if User.objects.get_one(pk).pk == pk:
            good.append(pk)
    finally:
        connection.close()

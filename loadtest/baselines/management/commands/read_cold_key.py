"""manage.py read_cold_key: read one row through the manager from many threads at the same moment."""

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
    """Command `read_cold_key`: serves the rounds of the benchmark's section `cold-key` until its input ends."""

    help = (
        'Print "ready"; then for each line "<pk> <Unix time>" on standard input, read that user by --threads threads '
        'at that time, and print "<reads that returned the right row> <errors>".'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, required=True)

    def handle(self, *args: Any, threads: int, **options: Any) -> None:
        threading.stack_size(THREAD_STACK_BYTES)
        User.objects.get_one(1)  # connects this process to Redis and the database
        self._print("ready")
        for line in sys.stdin:
            pk, begins_at = line.split()
            successes = _run_round(int(pk), float(begins_at), threads)
            self._print(f"{successes} {threads - successes}")

    def _print(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _run_round(pk: int, begins_at: float, count: int) -> int:
    barrier = threading.Barrier(count + 1)
    successes: list[int] = []
    threads = [threading.Thread(target=_read, args=(pk, barrier, successes)) for _ in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(max(0.0, begins_at - time.time()))
    barrier.wait()
    for thread in threads:
        thread.join()
    return len(successes)


def _read(pk: int, barrier: threading.Barrier, successes: list[int]) -> None:
    try:
        barrier.wait()
        if User.objects.get_one(pk).pk == pk:
            successes.append(pk)
    finally:
        connection.close()

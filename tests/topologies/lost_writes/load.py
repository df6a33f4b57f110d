"""Readers and a writer of cached rows, each in a process of its own; reads are compared with what was acknowledged."""

import contextlib
import multiprocessing
import random
import time
import traceback
from bisect import bisect
from collections.abc import Iterator
from typing import Any

from django.db import connection, connections

from caching.entries.rows import rows_of
from caching.redis.slot_map import SLOTS, slot_of
from serving.parent_death import end_with_parent
from tests.testapp.models import Author

ROWS = 120
PARTS = 3  # ranges of slots, each of one master of a cluster
BOUNDS = [SLOTS * number // PARTS for number in range(1, PARTS)]
FORKED = multiprocessing.get_context("fork")
TENTHS = 6_000  # of a second: the time that is counted


class Load:
    """What the processes of a load share."""

    def __init__(self) -> None:
        self.pks = [Author.objects.create_one(name="0", email=f"{n}@x").pk for n in range(ROWS)]
        self.parts = [bisect(BOUNDS, slot_of(rows_of(Author).key(pk))) for pk in self.pks]
        self.acknowledged = FORKED.Array("q", ROWS, lock=False)
        self.reads = FORKED.Array("q", 2 * PARTS)  # by range of slots: reads, and those without SQL
        self.repeated = FORKED.Array("q", 2 * PARTS)  # the same of rows that had been read since they were written
        self.steps = FORKED.Array("q", ROWS, lock=False)  # of the writer of each row; odd during a write
        self.read_at = FORKED.Array("q", [-1] * ROWS, lock=False)  # the step in which a row was read last
        self.sql = FORKED.Array("q", TENTHS)
        self.writes = FORKED.Value("q", 0)
        self.wrong: Any = FORKED.SimpleQueue()
        self._own_sql = 0  # of one process
        self._began = time.monotonic()
        self._ends = FORKED.Event()

    @contextlib.contextmanager
    def running(self, readers: int = 2) -> Iterator[None]:
        """Have the processes at work during the block; AssertionError for what any of them found wrong."""
        connections.close_all()
        bodies = [*[self._read] * readers, self._write]
        processes = [FORKED.Process(target=self._run, args=[body], daemon=True) for body in bodies]
        for process in processes:
            process.start()
        try:
            yield
        finally:
            self._ends.set()
            for process in processes:
                process.join(30)
                process.kill()
            self._ends.clear()
        found = []
        while not self.wrong.empty():
            found.append(self.wrong.get())
        assert not found, "\n".join(found[:5])

    def hits(self, part: int) -> tuple[int, int]:
        """Return the reads of the rows of a range of slots so far, and how many of them took no SQL."""
        return self.reads[part], self.reads[PARTS + part]

    def repeated_hits(self, part: int) -> tuple[int, int]:
        """Return the same of the rows that had been read since they were written, which a cache should have."""
        return self.repeated[part], self.repeated[PARTS + part]

    def tenth(self) -> int:
        """Return the number of the present tenth of a second."""
        return int((time.monotonic() - self._began) * 10)

    def _run(self, body: Any) -> None:
        end_with_parent()
        connections.close_all()
        try:
            with connection.execute_wrapper(self._count):
                while not self._ends.is_set():
                    body()
        except Exception:
            self.wrong.put(traceback.format_exc())

    def _count(self, execute: Any, *args: Any) -> Any:
        self._own_sql += 1
        with self.sql.get_lock():
            self.sql[self.tenth()] += 1
        return execute(*args)

    def _read(self) -> None:
        number = random.randrange(ROWS)
        least, before, step = self.acknowledged[number], self._own_sql, self.steps[number]
        is_repeated = self.read_at[number] == step
        found = Author.objects.get_one_cols(self.pks[number], "name")["name"]
        is_hit = self._own_sql == before
        self._count_read(self.reads, number, is_hit)
        if step % 2 == 0 and step == self.steps[number]:
            self.read_at[number] = step
            if is_repeated:
                self._count_read(self.repeated, number, is_hit)
        if int(found) < least:
            self.wrong.put(f"row {number} was {least} when it was acknowledged, and is read as {found}")

    def _count_read(self, counts: Any, number: int, is_hit: bool) -> None:
        part = self.parts[number]
        with counts.get_lock():
            counts[part] += 1
            counts[PARTS + part] += is_hit

    def _write(self) -> None:
        number = random.randrange(ROWS)
        value = self.acknowledged[number] + 1
        self.steps[number] += 1
        Author.objects.update_one(self.pks[number], name=str(value))
        self.acknowledged[number] = value
        self.steps[number] += 1
        self.writes.value += 1
        time.sleep(0.005)

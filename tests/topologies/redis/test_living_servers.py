"""One master of a Cluster is dead: what the others have stays hits, and its own keys are read from the database."""

import threading
import time
from collections import Counter
from typing import Any

import pytest
from django.db import connection

from caching.entries.rows import rows_of
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis
from tests.support.polling import wait_until
from tests.support.redis_location import use_redis
from tests.support.short_form import SHORT
from tests.support.threads import Task
from tests.testapp.models import Author

pytestmark = [pytest.mark.embedded, pytest.mark.parametrize("topology", ["cluster"], indirect=True)]

ROWS = 60
ROUNDS = 1 if SHORT else 20
LEAST_SHARE = 0.99


class Readers:
    """Threads that read rows all the time, and count by the server of each row which reads made a query."""

    def __init__(self, server_of: dict[int, int], number: int = 3) -> None:
        self.reads: Counter[tuple[int, bool]] = Counter()
        self.queries = 0
        self._server_of = server_of
        self._end = threading.Event()
        self._tasks = [Task(self._read) for _ in range(number)]

    def end(self) -> None:
        self._end.set()
        for task in self._tasks:
            task.result()

    def _read(self) -> None:
        asked = []

        def count(execute: Any, *arguments: Any) -> Any:
            asked.append(1)
            return execute(*arguments)

        with connection.execute_wrapper(count):
            while not self._end.is_set():
                for pk, server in self._server_of.items():
                    asked.clear()
                    assert Author.objects.get_one_cols(pk, "name")["name"]
                    self.reads[server, bool(asked)] += 1
                    self.queries += len(asked)


@pytest.fixture
def rows(topology, settings, transactional_db):
    """(rows, port of the server of each) on a Cluster that this process uses as if it had just started."""
    use_redis(settings, topology.url)
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 200, "PROOF_MS": 200}
    with fresh_breaker():
        empty_redis()
        authors = [Author.objects.create_one(name=f"n{n}", email=f"{n}@x") for n in range(ROWS)]
        yield [author.pk for author in authors]


def test_hits_of_the_living_stay_hits(topology, rows, capsys):
    key = rows_of(Author).key
    shares, rates = [], []
    for _ in range(ROUNDS):
        server_of = {pk: topology.master_of(key(pk)).port for pk in rows}
        wait_until(lambda: warm(rows))
        victim = topology.master_of(key(rows[0]))
        readers, began = Readers(server_of), time.monotonic()
        victim.kill()
        topology.wait_until_failed_over(victim)
        readers.end()
        living = {hit: sum(n for (port, asked), n in readers.reads.items() if port != victim.port and asked != hit)
                  for hit in (True, False)}  # fmt: skip
        shares.append(living[True] / sum(living.values()))
        rates.append(readers.queries / (time.monotonic() - began))
        topology.restart(victim)
    with capsys.disabled():
        print(f"\nhit rate of living servers: {min(shares):.4f} at worst; {max(rates):.0f} SQL/s at most")
    assert min(shares) >= LEAST_SHARE


def warm(pks: list[int]) -> bool:
    """Return whether a read of all rows is all hits."""
    asked = []
    with connection.execute_wrapper(lambda execute, *arguments: asked.append(1) or execute(*arguments)):
        Author.objects.get_some(pks)
    return not asked

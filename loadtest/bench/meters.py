"""What the servers themselves counted between two moments, less what the counting cost.

No number here comes from the load generator or from inside the application.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MARK = "what is counted begins or ends here"
Counts = Counter[str]


class Meter:
    """Counts events of a block, by name. A reading is itself seen by the servers: how much, is found out first."""

    def __init__(self, read: Callable[[], Counts]) -> None:
        self._read = read
        read()
        before = read()
        self._own = _grown(before, read())

    @contextmanager
    def counted(self) -> Iterator[Counts]:
        """The counts are there when the block has ended."""
        counts: Counts = Counter()
        before = self._read()
        yield counts
        counts.update(_grown(before, self._read()))
        counts.subtract(self._own)


def _grown(before: Counts, after: Counts) -> Counts:
    return Counter({name: after[name] - before[name] for name in after})


def database_meter(sql: Callable[[str], list[tuple[Any, ...]]]) -> Meter:
    """Of a MariaDB: questions (statements that clients sent), selects, and connections that were opened."""

    def read() -> Counts:
        status = {name.lower(): value for name, value in sql("SHOW GLOBAL STATUS")}
        return Counter({name: int(status[name]) for name in ("questions", "com_select", "connections")})

    return Meter(read)


def redis_meter(client: Any) -> Meter:
    """Of a Redis: commands (those that scripts call included) and round trips.

    A round trip is one read of a client's socket by the server: a pipeline that fits a packet is read at once.
    """

    def read() -> Counts:
        info = client.info("stats")
        return Counter(commands=info["total_commands_processed"], round_trips=info["total_reads_processed"])

    return Meter(read)


def commands_sent(client: Any, work: Callable[[], Any]) -> Counts:
    """The commands that clients sent to Redis while `work` ran, by name, without those that scripts called.

    MONITOR tells them apart, and slows the server: not for what is timed.
    """
    with client.monitor() as tap:
        client.echo(MARK)
        work()
        client.echo(MARK)
        events = tap.listen()
        for _ in takewhile(_is_not_mark, events):
            pass
        sent = [event for event in takewhile(_is_not_mark, events) if event["client_type"] != "lua"]
    return Counter(event["command"].split(" ", 1)[0].upper() for event in sent)


def _is_not_mark(event: dict[str, Any]) -> bool:
    return MARK not in event["command"]


def cpu_meter(processes: Iterable[int]) -> Meter:
    """Of processes by id: CPU time, user and system, of all their threads, in clock ticks (TICKS_PER_S)."""
    pids = list(processes)
    return Meter(lambda: Counter(ticks=sum(map(_ticks, pids))))


def _ticks(pid: int) -> int:
    # The program's name, in brackets, may contain blanks; the fields after it are state, ppid, … utime and stime.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])

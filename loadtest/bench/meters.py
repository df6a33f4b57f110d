"""Meters: what the servers themselves count while a block runs, less what reading their counters adds.

No number comes from the load generator or from inside the application.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MARKER = "benchmark-marker"  # delimits the monitored commands
Counts = Counter[str]


class Meter:
    """Count events while a block runs, by name.

    Reading the counters is itself counted by the servers. The constructor measures that overhead.
    """

    def __init__(self, read: Callable[[], Counts]) -> None:
        self._read = read
        read()
        before = read()
        self._overhead = _difference(before, read())

    @contextmanager
    def counted(self) -> Iterator[Counts]:
        """Count during the block; the Counter is filled when the block ends."""
        counts: Counts = Counter()
        before = self._read()
        yield counts
        counts.update(_difference(before, self._read()))
        counts.subtract(self._overhead)


def _difference(before: Counts, after: Counts) -> Counts:
    return Counter({name: after[name] - before[name] for name in after})


def database_meter(sql: Callable[[str], list[tuple[Any, ...]]]) -> Meter:
    """Return a meter of MariaDB: `questions` (statements that clients sent), `com_select` and opened `connections`."""

    def read() -> Counts:
        status = {name.lower(): value for name, value in sql("SHOW GLOBAL STATUS")}
        return Counter({name: int(status[name]) for name in ("questions", "com_select", "connections")})

    return Meter(read)


def redis_meter(client: Any) -> Meter:
    """Return a meter of Redis: `commands` (including commands called by scripts) and `round_trips`.

    A round trip is one read of a client's socket by the server. A pipeline that fits into a packet is read at once.
    """

    def read() -> Counts:
        info = client.info("stats")
        return Counter(commands=info["total_commands_processed"], round_trips=info["total_reads_processed"])

    return Meter(read)


def commands_sent(client: Any, work: Callable[[], Any]) -> Counts:
    """Call `work`; return how many Redis commands clients sent meanwhile, by name, without commands called by scripts.

    MONITOR distinguishes the two, and slows the server down: do not time `work` in the same run.
    """
    with client.monitor() as monitor:
        client.echo(MARKER)
        work()
        client.echo(MARKER)
        events = monitor.listen()
        for _ in takewhile(_is_not_marker, events):
            pass
        sent = [event for event in takewhile(_is_not_marker, events) if event["client_type"] != "lua"]
    return Counter(event["command"].split(" ", 1)[0].upper() for event in sent)


def _is_not_marker(event: dict[str, Any]) -> bool:
    return MARKER not in event["command"]


def cpu_meter(processes: Iterable[int]) -> Meter:
    """Return a meter of the CPU time of processes, user and system: `ticks`, of which a second has TICKS_PER_S."""
    pids = list(processes)
    return Meter(lambda: Counter(ticks=sum(map(_ticks, pids))))


def _ticks(pid: int) -> int:
    # The program's name, in parentheses, may contain spaces. The fields after it are state, ppid, …, utime, stime.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])

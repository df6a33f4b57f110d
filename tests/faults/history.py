"""The history of a run: each operation of each client, written down before it is sent and after it is answered.

Clients append to one file, a line at a time, so that a client that is killed loses nothing: its write has a beginning
and no end. Times are CLOCK_MONOTONIC, which all processes of a machine share and no test shifts.
"""

import itertools
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

DONE, FAILED, UNKNOWN = "done", "failed", "unknown"
"""What became of a write: acknowledged; certainly not done; not known, so that it may take effect at any time."""
READS = {"users", "home page", "favorites", "relationships", "ratings"}
"""The kinds of requests that the hot lane answers without the database, once it has everything."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A read or a write of one register, `key`, by one client; an unknown write has no end (inf)."""

    kind: str
    """"read" or "write"."""
    key: str
    value: Any
    process: str
    begin_s: float
    end_s: float
    outcome: str = DONE

    def __str__(self) -> str:
        what = f"reads {self.value!r}" if self.kind == "read" else f"writes {self.value!r} ({self.outcome})"
        until = "never answered" if self.end_s == inf else f"{self.end_s:.3f}"
        return f"{self.begin_s:.3f} – {until}  {self.process} {what}"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request: its kind, the status and the Retry-After that answered it (0 and "" for none), and when."""

    kind: str
    process: str
    status: int
    retry_after: str
    begin_s: float
    end_s: float

    @property
    def is_read(self) -> bool:
        return self.kind in READS


@dataclass(frozen=True, slots=True)
class Fact:
    """Something else that an answer told, such as the claim of a popup."""

    kind: str
    process: str
    values: Any
    begin_s: float
    end_s: float


class Recorder:
    """Appends the operations of one client; safe in a process that is killed."""

    def __init__(self, file: Path, process: str) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._process = process
        self._numbers = itertools.count()

    def begin_write(self, key: str, value: Any) -> str:
        """Note that a write is about to be sent; return its name for `end_write`."""
        name = f"{self._process}.{next(self._numbers)}"
        self._append("begin", name, self._process, key, value, time.monotonic())
        return name

    def end_write(self, name: str, outcome: str) -> None:
        self._append("end", name, outcome, time.monotonic())

    def initial(self, key: str, value: Any) -> None:
        """Note the value that a register begins with."""
        self.end_write(self.begin_write(key, value), DONE)

    def read(self, values: Iterable[tuple[str, Any]], begin_s: float) -> None:
        """Note the values of registers that one answer told; it was asked for at `begin_s`."""
        self._append("read", self._process, begin_s, time.monotonic(), list(values))

    def fact(self, kind: str, values: Any, begin_s: float) -> None:
        """Note something else that an answer told."""
        self._append("fact", kind, self._process, values, begin_s, time.monotonic())

    def request(self, kind: str, status: int, retry_after: str, begin_s: float) -> None:
        self._append("request", kind, self._process, status, retry_after, begin_s, time.monotonic())

    def _append(self, *line: Any) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")


class History:
    """What was recorded; `registers` maps each key to its operations."""

    def __init__(
        self, operations: Iterable[Operation], requests: Iterable[Request] = (), facts: Iterable[Fact] = ()
    ) -> None:
        self.registers: defaultdict[str, list[Operation]] = defaultdict(list)
        for each in operations:
            self.registers[each.key].append(each)
        self.requests = list(requests)
        self.facts = list(facts)

    @classmethod
    def load(cls, file: Path) -> "History":
        begun: dict[str, Operation] = {}
        reads: list[Operation] = []
        requests: list[Request] = []
        facts: list[Fact] = []
        for line in file.read_text().splitlines():
            kind, *columns = json.loads(line)
            match kind:
                case "begin":
                    name, process, key, value, at_s = columns
                    begun[name] = Operation("write", key, value, process, at_s, inf, UNKNOWN)
                case "end":
                    name, outcome, at_s = columns
                    end_s = inf if outcome == UNKNOWN else at_s
                    begun[name] = replace(begun[name], end_s=end_s, outcome=outcome)
                case "read":
                    process, begin_s, end_s, values = columns
                    reads += (Operation("read", key, value, process, begin_s, end_s) for key, value in values)
                case "fact":
                    facts.append(Fact(*columns))
                case "request":
                    requests.append(Request(*columns))
        return cls([*begun.values(), *reads], requests, facts)

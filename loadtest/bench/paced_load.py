"""A load that does not wait for answers: so many requests a second, whatever the server makes of them.

`python -m loadtest.bench.paced_load` reads a PacedWorkload as JSON from standard input, and prints a PacedOutcome as
JSON. A request that finds all connections busy is sent late, and its latency counts from when it was due. Standard
library only.
"""

import json
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from loadtest.bench.load_generator import ANSWER_TIMEOUT_S, Connection, LoadGenerator, Outcome, Workload

PAUSE_S = 0.001


@dataclass(frozen=True, kw_only=True)
class PacedWorkload(Workload):
    """A Workload of so many requests a second, from the Unix time `begins_at` on."""

    per_second: int
    begins_at: float


@dataclass(frozen=True)
class PacedOutcome(Outcome):
    """An Outcome, with the latencies of each second; `late` requests were sent more than 0.1 s after they were due."""

    late: int = 0
    by_second: list[list[float]] = field(default_factory=list)


class PacedLoad:
    """A paced load in a process of its own: `outcome()` waits for its end."""

    def __init__(self, workload: PacedWorkload) -> None:
        self._pool = ThreadPoolExecutor(1)
        command = [sys.executable, "-m", "loadtest.bench.paced_load"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._printed = self._pool.submit(self._process.communicate, json.dumps(asdict(workload)))
        self.pid = self._process.pid

    def outcome(self) -> PacedOutcome:
        """Return the outcome; raise RuntimeError if the process has failed."""
        printed, _ = self._printed.result()
        self._pool.shutdown()
        if self._process.returncode:
            raise RuntimeError("The paced load has failed.")
        return PacedOutcome(**json.loads(printed))


class PacedLoadGenerator(LoadGenerator):
    """Sends each request when it is due, on a connection that has nothing to do."""

    def __init__(self, workload: PacedWorkload) -> None:
        super().__init__(workload)
        self._per_second, self._begins_at = workload.per_second, workload.begins_at
        self._idle: deque[Connection] = deque()
        self._by_second: list[list[float]] = [[] for _ in range(int(workload.seconds + ANSWER_TIMEOUT_S) + 2)]
        self._late = 0

    def run(self) -> PacedOutcome:
        """Send the workload, and wait for the last answers, at most ANSWER_TIMEOUT_S."""
        for number in range(self._workload.connections):
            self._idle.append(self._connect(self._requests_of(number)))
        time.sleep(max(0.0, self._begins_at - time.time()))
        self._began = time.perf_counter()
        self._ends_at = self._began + self._workload.seconds
        while (now := time.perf_counter()) < self._ends_at or (
            self._waiting and now < self._ends_at + ANSWER_TIMEOUT_S
        ):
            self._send_due(now)
            for key, _ in self._selector.select(timeout=PAUSE_S):
                self._receive(key.data)
        self._errors["unanswered"] += len(self._waiting)
        seconds, errors = time.perf_counter() - self._began, dict(+self._errors)
        return PacedOutcome(self._sent, seconds, errors, sorted(self._latencies_ms), self._late, self._by_second)

    def _send_due(self, now: float) -> None:
        due = int((min(now, self._ends_at) - self._began) * self._per_second)
        while self._idle and self._sent < due:
            due_at = self._began + self._sent / self._per_second
            self._late += now - due_at > 0.1
            connection = self._idle.popleft()
            super()._send_next(connection)
            connection.sent_at = due_at

    def _send_next(self, connection: Connection) -> None:
        self._idle.append(connection)

    def _note_answer(self, connection: Connection, status: str) -> None:
        super()._note_answer(connection, status)
        now = time.perf_counter()
        self._by_second[int(now - self._began)].append(round((now - connection.sent_at) * 1000, 2))


def _main(workload: dict[str, Any]) -> None:
    print(json.dumps(asdict(PacedLoadGenerator(PacedWorkload(**workload)).run())))


if __name__ == "__main__":
    _main(json.load(sys.stdin))

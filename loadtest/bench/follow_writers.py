"""Processes of the application that follow users as fast as they can: manage.py write_follows, told over its pipes."""

import json
import subprocess
import time
from contextlib import ExitStack
from typing import Any, NamedTuple

from loadtest.bench.environment import Ground

TOLD_S = 0.3  # until every process has its order


class Order(NamedTuple):
    """Each of `users` follows whoever comes `shift` ids after, or all of them the `celebrity`, for so many seconds."""

    users: int
    shift: int
    seconds: float
    celebrity: int | None = None


class Writers:
    """They share the followers among them. Whatever they are doing when the block ends, they are killed in it."""

    def __init__(self, ground: Ground, count: int) -> None:
        self._ground, self._count = ground, count

    def __enter__(self) -> "Writers":
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with ExitStack() as stack:
            beside = [self._ground.beside("write_follows", **pipes) for _ in range(self._count)]
            self._processes = [stack.enter_context(each) for each in beside]
            for process in self._processes:
                _line(process)  # "ready"
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    def carry_out(self, order: Order) -> list[dict[str, Any]]:
        """All begin at the same moment; what each answers: {"seconds", "latencies_ms"}."""
        self.begin(order)
        return [json.loads(_line(process)) for process in self._processes]

    def begin(self, order: Order) -> None:
        begins_at = time.time() + TOLD_S
        for first, process in enumerate(self._processes, 1):
            mine = [first, self._count, order.users, order.shift, order.celebrity, begins_at, order.seconds]
            process.stdin.write(json.dumps(mine) + "\n")
            process.stdin.flush()


def _line(process: subprocess.Popen[str]) -> str:
    if line := process.stdout.readline():
        return line
    raise SystemExit(f"write_follows ended with status {process.wait()} instead of an answer.")

"""Processes that write follows as fast as they can: `manage.py write_follows`, controlled over pipes."""

import json
import subprocess
import time
from contextlib import ExitStack
from typing import Any, NamedTuple

from loadtest.bench.environment import Environment

START_DELAY_S = 0.3  # until every process has its task


class FollowTask(NamedTuple):
    """What to write for `seconds`: each of `users` follows the user `shift` ids later, or all follow `celebrity`."""

    users: int
    shift: int
    seconds: float
    celebrity: int | None = None


class FollowWriters:
    """Processes that share the followers between them; terminated at the end of the block, whatever they are doing."""

    def __init__(self, env: Environment, count: int) -> None:
        self._env, self._count = env, count

    def __enter__(self) -> "FollowWriters":
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with ExitStack() as stack:
            commands = [self._env.background_command("write_follows", **pipes) for _ in range(self._count)]
            self._processes: list[Any] = [stack.enter_context(each) for each in commands]
            for process in self._processes:
                _read_line(process)  # "ready"
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    def run(self, task: FollowTask) -> list[dict[str, Any]]:
        """Run a task in all processes; return {"seconds", "latencies_ms"} of each."""
        self.start(task)
        return [json.loads(_read_line(process)) for process in self._processes]

    def start(self, task: FollowTask) -> None:
        """Start a task in all processes at the same moment, without waiting for its end."""
        begins_at = time.time() + START_DELAY_S
        for first, process in enumerate(self._processes, 1):
            share = [first, self._count, task.users, task.shift, task.celebrity, begins_at, task.seconds]
            process.stdin.write(json.dumps(share) + "\n")
            process.stdin.flush()


def _read_line(process: Any) -> str:
    if line := process.stdout.readline():
        return line
    raise SystemExit(f"write_follows ended with status {process.wait()} instead of an answer.")

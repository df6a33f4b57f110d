"""Other processes of the zoo's project: each calls one function in a new interpreter, and talks by lines.

with Process("tests.zoo.test_two_writers:deposit", 7) as process:
    assert process.line() == "ready"        # what the function printed
    process.tell("go")                      # what the function reads from standard input
"""

import importlib
import os
import subprocess
import sys
from typing import Any

from devtools.servers import end_with_parent


class Process:
    """A process that is killed at the end of the `with` block, if it still runs."""

    def __init__(self, function: str, *arguments: Any, **environment: str) -> None:
        command = [sys.executable, "-m", "tests.zoo.processes", function, *map(str, arguments)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, preexec_fn=end_with_parent,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.zoo.settings", **environment},
        )  # fmt: skip

    def line(self) -> str:
        """Return the next line that the function prints; "" once it has ended."""
        assert self._process.stdout
        return self._process.stdout.readline().rstrip("\n")

    def tell(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()  # closes the pipes

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: Any) -> None:
        self.kill()


def say(line: Any) -> None:
    """Print a line for the test."""
    print(line, flush=True)


if __name__ == "__main__":
    import django

    django.setup()
    module, _, name = sys.argv[1].partition(":")
    getattr(importlib.import_module(module), name)(*sys.argv[2:])

"""Programs that tests and benchmarks run to their end, and that say why if they fail."""

import subprocess
from collections.abc import Sequence
from typing import Any


class ProgramFailed(subprocess.CalledProcessError):
    """A program has ended with another status than 0; the message has all that it printed."""

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.stdout}{self.stderr}"


def output_of(command: Sequence[str], **options: Any) -> str:
    """Run a program to its end, and return its standard output; raise ProgramFailed.

    `options` are those of subprocess.run.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise ProgramFailed(done.returncode, command, done.stdout, done.stderr)
    return done.stdout

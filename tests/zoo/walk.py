"""The random walk: processes that read and write the models of the zoo in one database and one Redis, at random.

    python -m tests.zoo.walk --operations 100000 --seed 1

Each read is compared with the database when it is made (see `change_log`); every STEP operations all processes pause,
compare what they have written to, and go on with other models. The same seed gives each process the same choices; how
the processes interleave is not repeated.
"""

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devtools.servers import end_with_parent

ROOT = Path(__file__).resolve().parents[2]
STEP, LONG_STEP = 250, 1_000


@dataclass
class Report:
    """What a walk did and found."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        wanted = ("reads", "writes", "compared", "compared at rest", "undecided", "hits", "misses", "bypasses")
        rest = {name: times for name, times in sorted(self.counts.items()) if name not in wanted}
        return (
            f"seed {self.seed}: {self.counts['reads'] + self.counts['writes']} operations, "
            + ", ".join(f"{self.counts[name]} {name}" for name in wanted)
            + f"; {len(self.differences)} differences, {len(self.errors)} errors; {rest}"
        )


def walk(*, operations: int, seed: int, processes: int = 2, step: int = STEP, without: Iterable[str] = ()) -> Report:
    """Walk over the database of this process's settings; `without`: receivers of the framework to leave out."""
    from tests.zoo.change_log import change_log, forget
    from tests.zoo.questions import zoo_models

    tables = {field.model._meta.db_table for model in zoo_models() for field in model._meta.concrete_fields}
    report = Report(seed)
    with change_log(tables), walkers(seed, processes, without) as started:
        for done in range(step, operations + step, step):
            everyone(started, f"walk {step // processes} {seed}-{done}")
            is_whole = done % (20 * step) == 0 or done >= operations
            answers = everyone(started, "compare everywhere" if is_whole else "compare")
            forget()
            if is_whole:
                print(f"{done} operations", file=sys.stderr, flush=True)
            if any(answer["differences"] or answer["errors"] for answer in answers):
                break
    for answer in answers:
        report.counts += Counter(answer["counts"])
        report.differences += answer["differences"]
        report.errors += answer["errors"]
    return report


@contextlib.contextmanager
def walkers(seed: int, processes: int, without: Iterable[str]) -> Iterator[list[subprocess.Popen[str]]]:
    """Start the processes, and end them."""
    command = [sys.executable, "-m", "tests.zoo.walker", f"--seed={seed}", "--without", *without]
    # What was rolled back stays held for this long; with the default the walk would read the cache too rarely.
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.zoo.settings", "ZOO_HOLD_MS": "5000"}
    started = [
        subprocess.Popen(
            [*command, f"--number={number}"], cwd=ROOT, env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent,
        )
        for number in range(1, processes + 1)
    ]  # fmt: skip
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def everyone(started: list[subprocess.Popen[str]], command: str) -> list[Any]:
    """Have all processes do something at the same time; return their answers when all have done it."""
    for process in started:
        assert process.stdin
        process.stdin.write(f"{command}\n")
        process.stdin.flush()
    answers = []
    for process in started:
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"A process of the walk ended with status {process.wait()}.")
        answers.append(json.loads(line))
    return answers


def main() -> None:
    """Make a database, and walk."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--step", type=int, default=LONG_STEP, help="operations between two pauses")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--without", nargs="*", default=[])
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.zoo.settings"

    import django

    django.setup()
    from django.test.utils import setup_databases

    from tests.zoo.tables import make_unmanaged_tables

    setup_databases(verbosity=0, interactive=False)
    make_unmanaged_tables()
    begun = time.monotonic()
    report = walk(
        operations=options.operations, seed=options.seed, processes=options.processes, step=options.step,
        without=options.without,
    )  # fmt: skip
    print(*report.differences[:20], *report.errors[:20], sep="\n")
    print(f"{os.environ['ZOO_DB']}, {time.monotonic() - begun:.0f} s, {report}")
    sys.exit(bool(report.differences or report.errors))


if __name__ == "__main__":
    main()

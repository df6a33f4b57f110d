"""manage.py reconcile_counters: compare the counters with the rows they count."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from tqdm import tqdm

from counters import reconcile, registry
from counters.reconcile import Chunk

MAX_REPORTED = 100
DRIFTED = 1


class Command(BaseCommand):
    """Reports and mends drifted counters, with progress on a terminal."""

    help = (
        "Compare counters with the rows they count and mend what drifted. Exact beside live writers. Ends with status "
        "1 if --check found a drift."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kinds", nargs="*", metavar="kind", help="user, post…; default: all kinds")
        parser.add_argument("--target", type=target, help="only this one, such as post:17")
        parser.add_argument("--dry-run", action="store_true", help="report, but change nothing")
        parser.add_argument("--check", action="store_true", help="like --dry-run; status 1 if anything drifted")
        parser.add_argument("--resume", action="store_true", help="go on where an interrupted run stopped")

    def handle(
        self, *, kinds: list[str], target: tuple[str, int] | None, dry_run: bool, check: bool, resume: bool, **more: Any
    ) -> None:
        mend = not (dry_run or check)
        self._check_arguments(kinds, target, resume=resume, mend=mend)
        self.tally: Counter[str] = Counter()
        try:
            if target:
                self._report(reconcile.run_one(*target, mend=mend))
            for kind in [] if target else kinds or registry.kinds():
                self._run(kind, mend=mend, resume=resume, quiet=more["verbosity"] == 0)
        except Error as error:
            raise CommandError(f"{error}. Nothing is lost: run the command again with --resume to go on.") from error
        self._summarize(mended=mend)
        if check and self.tally["drifts"]:
            sys.exit(DRIFTED)

    def _check_arguments(self, kinds: list[str], target: tuple[str, int] | None, *, resume: bool, mend: bool) -> None:
        if target and (kinds or resume):
            raise CommandError("--target names all that is to be compared: give neither kinds nor --resume with it.")
        if resume and not mend:
            raise CommandError("Only a run that mends can be resumed: give --resume without --dry-run and --check.")
        for kind in kinds:
            if kind not in registry.kinds():
                raise CommandError(f"Nothing is counted for {kind}. There are: {', '.join(registry.kinds())}.")

    def _run(self, kind: str, *, mend: bool, resume: bool, quiet: bool) -> None:
        if resume and (after := reconcile.interrupted_at(kind)):
            self.stdout.write(f"{kind}: resuming after {kind}:{after}.")
        with tqdm(total=reconcile.target_count(kind), desc=kind, unit=" targets", disable=quiet) as bar:
            for chunk in reconcile.run(kind, mend=mend, resume=resume):
                bar.update(chunk.targets)
                self._report(chunk)

    def _report(self, chunk: Chunk) -> None:
        self.tally["targets"] += chunk.targets
        for drift in chunk.drifts:
            self.tally["drifts"] += 1
            self.tally["by"] += abs(drift.difference)
            if self.tally["drifts"] <= MAX_REPORTED:
                self.stdout.write(str(drift))

    def _summarize(self, *, mended: bool) -> None:
        if (hidden := self.tally["drifts"] - MAX_REPORTED) > 0:
            self.stdout.write(f"… and {hidden} more.")
        outcome = "mended" if mended else "nothing changed"
        self.stdout.write(
            f"{self.tally['targets']} targets compared, {self.tally['drifts']} counters had drifted, "
            f"by {self.tally['by']} in all; {outcome}."
        )


def target(text: str) -> tuple[str, int]:
    """Parse "post:17" into its kind and id; raises ArgumentTypeError."""
    kind, _, target_id = text.partition(":")
    if kind not in registry.kinds() or not target_id.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no target such as {(registry.kinds() or ['user'])[0]}:7")
    return kind, int(target_id)

"""manage.py invalidate_cache: delete entries after writes that the cache could not see."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from tqdm import tqdm

from ... import registry
from ...conf import OFF, conf
from ...protocol.invalidation import discard_under, prefixes_of
from ...redis.failures import FAILURES


class Command(BaseCommand):
    """Command `invalidate_cache`: deletes the entries of models, sets or lists, and reports how many."""

    help = (
        "Delete cache entries, for the time after writes that the cache cannot see (SQL by hand, a restored backup). "
        "Safe beside live readers and writers, and touches no other key."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("targets", nargs="*", metavar="target", help="app.Model; a set or list: app.Model.columns")
        parser.add_argument("--all", action="store_true", help="the entries of all models")
        parser.add_argument("--database", choices=tuple(connections), help="only of rows of one database")
        parser.add_argument("--dry-run", action="store_true", help="count the entries, delete none")

    def handle(
        self, *, targets: list[str], database: str | None, dry_run: bool, verbosity: int, **options: Any
    ) -> None:
        if not conf().enabled:
            raise CommandError(OFF)
        if bool(targets) == options["all"]:
            raise CommandError("Name models, sets or lists, or say --all.")
        known = _targets([database] if database else list(connections))
        if unknown := [name for name in targets if name.lower() not in known]:
            raise CommandError(f"{unknown[0]} is not cached. There are: {', '.join(sorted(known))}.")
        chosen = {name: known[name] for name in (map(str.lower, targets) if targets else known)}
        try:
            self._invalidate(chosen, dry_run=dry_run, quiet=verbosity == 0)
        except FAILURES as error:
            raise CommandError(f"Redis cannot be used ({error}). Run the command again.") from error

    def _invalidate(self, targets: dict[str, set[str]], *, dry_run: bool, quiet: bool) -> None:
        prefixes = {prefix for those in targets.values() for prefix in those}
        entries: Counter[str] = Counter()
        with tqdm(unit=" entries", disable=quiet) as bar:
            for page in discard_under(prefixes, dry_run=dry_run):
                entries += page
                bar.update(page.total())
        done = "would be deleted" if dry_run else "deleted"
        for name, those in sorted(targets.items()):
            self.stdout.write(f"{name}: {sum(entries[prefix] for prefix in those)} entries {done}.")


def _targets(aliases: list[str]) -> dict[str, set[str]]:
    """Return the key prefixes of each model, of all that is derived from its rows, and of each set or list."""
    targets: dict[str, set[str]] = {}
    for model, declarations in registry.by_model().items():
        targets[model._meta.label_lower] = prefixes_of(declarations, aliases)
        for each in declarations:
            if (label := getattr(each, "label", None)) is not None:
                targets.setdefault(label, set()).update(prefixes_of([each], aliases))
    return targets

"""manage.py warm_cache: fill the cache ahead of its readers."""

import multiprocessing
import re
from argparse import ArgumentParser, ArgumentTypeError
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import django
from django.apps import apps
from django.core.exceptions import FieldError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from ... import registry
from ...conf import OFF, conf
from ...ops.warm import Warming
from ...redis.failures import FAILURES, Unavailable

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    """Command `warm_cache`: fills the cache entries of the chosen models, and reports the progress."""

    help = (
        "Fill cache entries from the database, newest rows first. Safe beside live writers; entries that exist are "
        "left alone; an interrupted run resumes where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("models", nargs="*", metavar="model", help="app.Model; default: all cached models")
        parser.add_argument("--limit", type=positive, help="only the newest so many rows of each model")
        parser.add_argument("--since", type=since, help="only rows newer than 30m, 12h, 7d or an ISO time")
        parser.add_argument("--workers", type=positive, default=1, help="processes that share the work (default 1)")

    def handle(
        self, *, models: list[str], limit: int | None, since: "Since | None", workers: int, verbosity: int, **_: Any
    ) -> None:
        if not conf().enabled:
            raise CommandError(OFF)
        chosen = [self._model(label) for label in models] or registry.models()
        after, name = since or (None, "")
        try:
            warmings = [Warming(model, limit=limit, since=after, name=name) for model in chosen]
            with self._pool(workers) as pool:
                for warming in warmings:
                    self._warm(warming, pool, workers=workers, quiet=verbosity == 0)
        except FieldError as error:
            raise CommandError(str(error)) from error
        except BrokenExecutor as error:
            raise CommandError("A worker process was killed. Run the command again to go on.") from error
        except (Unavailable, *FAILURES) as error:
            raise CommandError(f"Redis cannot be used ({error}). Run the command again to go on.") from error

    def _warm(self, warming: Warming, pool: Any, *, workers: int, quiet: bool) -> None:
        label, resumed, filled = warming.model._meta.label, warming.done, 0
        if resumed:
            self.stdout.write(f"{label}: resuming after {resumed} rows.")
        with tqdm(total=warming.total, initial=resumed, desc=label, unit=" rows", disable=quiet) as bar:
            for passed, fills in warming.run(pool, workers=workers):
                bar.update(passed)
                filled += fills
        self.stdout.write(f"{label}: {filled} entries filled, {warming.done - resumed - filled} were there already.")

    def _pool(self, workers: int) -> Any:
        if workers == 1:
            return nullcontext()
        # Spawned, not forked: a forked child would share this process's connections.
        spawn = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(workers, mp_context=spawn, initializer=django.setup)

    def _model(self, label: str) -> Any:
        known = {model._meta.label_lower: model for model in registry.models()}
        try:
            return known[apps.get_model(label)._meta.label_lower]
        except (LookupError, ValueError) as error:
            names = ", ".join(model._meta.label for model in known.values())
            raise CommandError(f"{label} is not a cached model. There are: {names}.") from error


def positive(text: str) -> int:
    """Parse an option that is a positive integer; raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


class Since(NamedTuple):
    """The moment from which on rows are warmed, and the option's text, which a later run will repeat."""

    moment: datetime
    text: str


def since(text: str) -> Since:
    """Parse an age such as 12h, or an ISO time, into its moment and its text; raises ArgumentTypeError."""
    return Since(_moment(text), text)


def _moment(text: str) -> datetime:
    try:
        age = re.fullmatch(r"(\d+)([smhd])", text)
        if age:
            return timezone.now() - timedelta(**{UNITS[age[2]]: int(age[1])})
        parsed = parse_datetime(text)
    except (OverflowError, ValueError):
        parsed = None
    if parsed is None:
        raise ArgumentTypeError(f"{text!r} is neither an age (30m, 12h, 7d) nor an ISO time")
    return parsed if timezone.is_aware(parsed) else timezone.make_aware(parsed)

"""One process of the random walk: reads that are compared with the database, and writes of every kind.

It takes commands from its standard input ("walk <operations> <place>", "compare [everywhere]"), and answers each with
a line of JSON.
"""

import argparse
import contextlib
import json
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError, NotSupportedError, OperationalError, models, transaction

MOST_ROWS = 12
# What a write may be refused for: a constraint, a row that the other process has deleted, a deadlock.
EXPECTED = (
    IntegrityError, models.ProtectedError, models.RestrictedError, ObjectDoesNotExist, NotSupportedError,
    OperationalError,
)  # fmt: skip


class RolledBack(Exception):
    """Ends a transaction, or a savepoint, without its writes."""


class Walker:
    """Walks over all models of the zoo."""

    def __init__(self, seed: int, number: int) -> None:
        """`number`: of this process; the new values of different processes differ."""
        from tests.zoo.questions import Seen
        from tests.zoo.values import Maker
        from tests.zoo.verbs import Scene

        self.rng = random.Random(f"{seed} {number}")
        self.seen = Seen()
        self.scene = Scene(Maker(number * 10_000_000), self.rng)
        self.counts: Counter[str] = Counter()
        self.differences: list[str] = []
        self.errors: list[str] = []
        self.place: list[Any] = []
        self.last = "nothing"
        self._shapes: list[Callable[[], None]] = [
            self.write, self.write, self.write, self.committed, self.committed, self.rolled_back,
            self.inner_rolled_back, self.outer_rolled_back, self.after_a_savepoint, self.locked,
        ]  # fmt: skip

    def walk(self, operations: int, place: str) -> None:
        """Do some operations, three of five of them reads, on the few models of a place: all processes are there."""
        from tests.zoo.questions import relatives

        start = random.Random(place).sample(self.seen.models, 3)
        self.place = list(dict.fromkeys(near for model in start for near in relatives(model)[:6]))
        for _ in range(operations):
            if self.rng.random() < 0.6:
                self.read(self.rng.choice(self.place))
            else:
                self.guarded(self.rng.choice(self._shapes))

    def compare(self, *, everywhere: bool) -> None:
        """Compare the place, or everything, while nobody writes."""
        from tests.zoo.questions import differences, relatives

        near = dict.fromkeys(each for model in self.place for each in relatives(model))
        seen = self.seen if everywhere else self.seen.only(near)
        self.differences += [f"at rest: {each}" for each in differences(seen)]
        self.counts["compared at rest"] += sum(2 for _ in seen.questions())

    def read(self, model: Any) -> None:
        """Ask the cache one question about a model, and the database before and after."""
        from tests.zoo.change_log import mark

        self.seen.look_ahead(model)
        questions = self.seen.about(model)
        if not questions:
            return
        question = self.rng.choice(questions)
        self.counts["reads"] += 1
        before = mark(question.tables)
        truth = question.look()
        answer = question.ask()
        if answer == truth or answer == question.look():
            self.counts["compared"] += 1
        elif mark(question.tables) == before:
            self.differences.append(f"{question.name}: {answer} but it is {truth}; the last write was {self.last}")
        else:
            self.counts["undecided"] += 1

    def reads_of_the_cache(self) -> Counter[str]:
        """Return how the cache answered so far."""
        from caching.reading import stats

        return sum((Counter(each) for each in stats.snapshot().values()), Counter[str]())

    def guarded(self, shape: Callable[[], None]) -> None:
        """Write; take notice of what was refused."""
        self.counts["writes"] += 1
        try:
            shape()
        except RolledBack:
            pass
        except EXPECTED as error:
            where = "a statement" if shape == self.write else "a transaction"
            self.counts[f"{where} refused: {type(error).__name__}"] += 1
        except DatabaseError as error:
            if "did not affect any rows" not in str(error):  # the row was deleted before it could be saved
                self.errors.append(f"{self.last} raised {error!r}")
        except Exception:
            self.errors.append(f"{self.last} raised {traceback.format_exc(limit=-6)}")

    # Shapes of writes.

    def write(self) -> None:
        """Write in whatever transaction there is, then perhaps read."""
        from tests.zoo.verbs import VERBS

        model, name = self.rng.choice(self.place), self.rng.choice(list(VERBS))
        self.last = f"{name} of {model._meta.label}"
        self.counts[f"verb: {name}"] += 1
        self.trim(model)
        VERBS[name](self.scene, model)
        if self.rng.random() < 0.5:
            self.seen.look_at(model)
            self.read(model)

    def trim(self, model: Any) -> None:
        """Delete the oldest rows of a model that has too many."""
        from tests.zoo.questions import rows_of

        keys = list(rows_of(model).order_by("-pk").values_list("pk", flat=True)[MOST_ROWS : 3 * MOST_ROWS])
        if keys:
            model.objects.filter(pk__in=keys).delete()

    def committed(self) -> None:
        """Write several times in one transaction."""
        with transaction.atomic():
            for _ in range(self.rng.randint(1, 3)):
                self.write()

    def rolled_back(self) -> None:
        """Write in a transaction that is rolled back."""
        with transaction.atomic():
            self.write()
            raise RolledBack

    def inner_rolled_back(self) -> None:
        """Roll an inner transaction back, and commit what was written before and after."""
        with transaction.atomic():
            self.perhaps_write()
            with contextlib.suppress(RolledBack), transaction.atomic():
                self.write()
                raise RolledBack
            self.perhaps_write()

    def outer_rolled_back(self) -> None:
        """Commit an inner transaction, and roll the outer one back."""
        with transaction.atomic():
            with transaction.atomic():
                self.write()
            self.perhaps_write()
            raise RolledBack

    def after_a_savepoint(self) -> None:
        """Write after a savepoint that is rolled back or released by hand."""
        from tests.zoo.savepoints import savepoint_by_hand

        with transaction.atomic():
            self.perhaps_write()
            savepoint = savepoint_by_hand()
            self.write()
            end = self.rng.choice((transaction.savepoint_rollback, transaction.savepoint_commit))
            end(savepoint)
            self.perhaps_write()

    def locked(self) -> None:
        """Lock the rows of a model first, as those do who are careful."""
        with transaction.atomic():
            model = self.rng.choice(self.place)
            for row in model.objects.select_for_update().order_by("pk")[:2]:
                row.save()
            self.write()

    def perhaps_write(self) -> None:
        """Write every other time."""
        if self.rng.random() < 0.5:
            self.write()


def disconnect(names: Iterable[str]) -> None:
    """Break the framework: these of its receivers, such as `_before_save`, hear of no write any more."""
    from tests.zoo.questions import zoo_models

    for name in names:
        signal = getattr(models.signals, name.removeprefix("_").replace("before", "pre").replace("after", "post"))
        heard = [signal.disconnect(sender=model, dispatch_uid=f"caching.{id(model)}.{name}") for model in zoo_models()]
        assert all(heard), f"{name} is no receiver of the framework."


def main() -> None:
    """Serve the process that steers the walk."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--without", nargs="*", default=[])
    options = parser.parse_args()
    django.setup()
    disconnect(options.without)
    walker = Walker(options.seed, options.number)
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "walk":
            walker.walk(int(arguments[0]), arguments[1])
        elif command == "compare":
            walker.compare(everywhere=arguments == ["everywhere"])
        report = {
            "counts": walker.counts | walker.reads_of_the_cache(),
            "differences": walker.differences,
            "errors": walker.errors,
        }
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()

"""Other processes of the application, real ones: writers, roll-ups and reconciliations that run, or die at a point."""

import signal
import sys
from typing import Any

from tests.caching.processes import dies_after, dies_before
from tests.forks import Fork

UNDELETED = 5  # of so many votes, one is taken back


def start(task: str, pk: Any = 0, number: int = 0) -> Fork:
    return Fork(work, task, pk, number)


def killed(task: str, pk: Any = 0, number: int = 0) -> None:
    with start(task, pk, number) as fork:
        assert fork.status() == -signal.SIGKILL


def vote(pk: int, number: int) -> None:
    """`number` votes by one author, every fifth taken back; 0 for ever."""
    from itertools import count

    from tests.shelf.models import Vote

    for turn in range(number) if number else count():
        made = Vote(author_id=pk, book=None, stars=1)
        made.save()
        if turn % UNDELETED == 0:
            made.delete()


def fold(*_: int) -> None:
    """Fold small pieces for ever."""
    from django.db import OperationalError

    from counters import rollup

    rollup.CHUNK = 50
    while True:
        try:
            rollup.roll_up_chunk()
        except OperationalError as error:  # chosen as the victim of a deadlock: it is the next turn's work
            print(error, file=sys.stderr)


def reconcile(pk: int, number: int) -> None:
    """Reconcile in pieces of ten; die in place of the `number`th."""
    from counters import reconcile

    reconcile.CHUNK = 10
    run = reconcile.run("author")
    for _ in range(number - 1):
        next(run)
    dies_before(reconcile, "_progress")
    next(run)


def one_fold(*_: Any) -> None:
    from counters import rollup

    rollup.roll_up_chunk()


def work(task: str, pk: int, number: int) -> None:
    from functools import partial

    from django.db import connection

    from caching.protocol import steps
    from counters import deltas, rollup
    from tests.shelf.models import Author

    Author.objects.get_some([10**15])  # connected, and the breaker closed
    running = {"vote": vote, "fold": fold, "reconcile": reconcile}
    if task in running:
        running[task](pk, number)
        return
    one_vote = partial(vote, pk, 1)
    points = {
        "inserted": (dies_before, deltas, "append_deltas", one_vote),
        "appended": (dies_after, deltas, "append_deltas", one_vote),
        "committing": (dies_before, connection, "_commit", one_vote),
        "committed": (dies_after, connection, "_commit", one_vote),
        "unbumped": (dies_before, steps, "lift", one_vote),
        "bumped": (dies_after, steps, "lift", one_vote),
        "locked": (dies_before, rollup, "hold_keys", one_fold),
        "held": (dies_after, steps, "hold", one_fold),
        "added": (dies_after, rollup, "_add", one_fold),
        "deleted": (dies_after, rollup, "_delete", one_fold),
        "fold committing": (dies_before, connection, "_commit", one_fold),
        "fold committed": (dies_after, connection, "_commit", one_fold),
        "lifted": (dies_after, steps, "lift", one_fold),
    }
    arrange, owner, name, act = points[task]
    arrange(owner, name)
    act()
    raise SystemExit(f"{task}: nobody died")

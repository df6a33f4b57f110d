"""Noticing that Redis has gone back to an older copy of its data without having become another run.

A copy that is loaded into a living server (FLUSHALL and RESTORE, DEBUG RELOAD), or a virtual machine that is set back,
brings deleted entries back under the same replication id. So a job writes a number that grows to Redis and then to the
database, every second: Redis never has less than the database, unless it has gone back. A Redis without the number was
emptied, and has nothing old.
"""

import logging
import secrets
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from ..models import RedisRun
from ..redis.client import round_trip
from ..redis.epochs import Run
from ..redis.failures import without_errors
from ..redis.proofs import prefix

logger = logging.getLogger(__name__)


def advance(rows: QuerySet[RedisRun], run: Run) -> None:
    """Write the next number of a run, whose row there is, to Redis, and then to the database."""
    if not has_gone_back(rows, run):
        (number,) = _ask(("INCR", _key()))
        rows.filter(run=run.id, generation__lt=number).update(generation=number)


def has_gone_back(rows: QuerySet[RedisRun], run: Run) -> bool:
    """Return whether Redis has an older copy of its data; then nobody believes its entries any more.

    Their mark is another one from then on, which each process reads from the database (Agreement.confirm).
    """
    row = rows.filter(run=run.id).first()  # before Redis is asked, which is written first
    if row is None:
        return False
    (told,) = _ask(("GET", _key()))
    if told is None:
        _ask(("SET", _key(), row.generation, "NX"))
    if told is None or int(told) >= row.generation:
        return False
    if rows.filter(pk=row.pk, mark=row.mark).update(mark=_new_mark()):
        logger.error(
            "Redis has an older copy of its data (number %s, and %d was written): its entries are read no more.",
            told.decode(), row.generation,
        )  # fmt: skip
    _ask(("SET", _key(), row.generation))
    return True


def _new_mark() -> str:
    return "E" + secrets.token_hex(4)


def _ask(command: tuple[Any, ...]) -> Sequence[Any]:
    return without_errors(round_trip([command]))


def _key() -> str:
    return f"{prefix()}:generation"

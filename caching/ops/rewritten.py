"""What rewrites a database past this code's models: migrations with historical models, and `manage.py flush`."""

import atexit
import logging
from functools import partial
from typing import Any

from django.db import Error

from ..databases import key_prefix, primary_of
from ..protocol import pending
from ..redis.failures import FAILURES
from ..writing.invalidation import invalidate

logger = logging.getLogger(__name__)


_interrupted: dict[str, partial[None]] = {}
"""By database, what is to be done when the process ends before its migrations have."""


def expect_migrations(*, using: str, plan: Any, **_: Any) -> None:
    """Have all entries from a database deleted even if a migration fails, as a receiver of pre_migrate."""
    if plan:
        _interrupted[using] = partial(forget_database, using=using)
        atexit.register(_interrupted[using])


def forget_database(*, using: str, plan: Any = None, **_: Any) -> None:
    """Delete all entries from a database, as a receiver of post_migrate; `plan`: None after a flush.

    If Redis cannot be told now, that is recorded as a pending invalidation.
    """
    if plan is not None and not plan:
        return  # no migration was applied
    if interrupted := _interrupted.pop(using, None):
        atexit.unregister(interrupted)
    prefix = key_prefix(primary_of(using))
    try:
        invalidate([prefix], using=[using])
    except FAILURES:
        _remember(using, f"{prefix}*")


def _remember(using: str, pattern: str) -> None:
    try:
        pending.record(using, [pattern])
    except Error:
        logger.exception(
            "Neither Redis nor the database can be told: run `manage.py invalidate_cache` for %s.", pattern
        )

"""Transactions that are made again where a concurrent one was in their way."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, transaction

P = ParamSpec("P")
T = TypeVar("T")
ATTEMPTS = 10


def in_transaction(write: Callable[P, T]) -> Callable[P, T]:
    """Make a function a transaction, which is repeated after a deadlock, and after a row that another one inserted."""

    @wraps(write)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(ATTEMPTS - 1):
            try:
                with transaction.atomic():
                    return write(*args, **kwargs)
            except (IntegrityError, OperationalError):
                pass
        with transaction.atomic():
            return write(*args, **kwargs)

    return attempt

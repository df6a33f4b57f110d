"""How much one query may ask for."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.db import connections

T = TypeVar("T")

MOST = 10_000
RESERVED = 9
"""Parameters of a query that are left for what is not in the list."""


def chunks(using: str, items: Sequence[T], *, parameters_each: int = 1) -> Iterator[Sequence[T]]:
    """Yield parts of a list that each fit a query on a database: SQLite limits the parameters, of which each item
    takes `parameters_each`."""
    features: Any = connections[using].features
    limit = features.max_query_params
    most = MOST if limit is None else min(MOST, limit - RESERVED) // parameters_each
    for at in range(0, len(items), most):
        yield items[at : at + most]

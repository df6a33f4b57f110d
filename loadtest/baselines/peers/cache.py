"""Where the libraries differ in code: reads that are not worth an entry, and sets of a user's own edges."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings


def uncached(queryset: Any) -> list[Any]:
    """Return the rows of a queryset that is not asked for twice, such as a batch by ids, past the cache."""
    if settings.PEER == "cacheops":
        return list(queryset.nocache())
    if settings.PEER == "cachalot":
        from cachalot.api import cachalot_disabled

        with cachalot_disabled():
            return list(queryset)
    return list(queryset)


def among(edges: Any, column: str, ids: Sequence[int]) -> set[int]:
    """Return which of the ids the edges of one user have in a column.

    With a cache that can delete one user's result, all edges are one entry, which every page of the user needs; else
    only those of the page are asked for.
    """
    edges = edges.values_list(column, flat=True)
    if settings.PEER == "cacheops":
        return set(edges).intersection(ids)
    return set(uncached(edges.filter(**{f"{column}__in": ids})))

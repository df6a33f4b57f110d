"""Writes of rows that refer to a user and to another row, such as follows, likes and scores."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, connections

from caching.api import EdgeModel, atomic_write


@contextmanager
def referring_write(using: str, *referenced: tuple[Any, int | None]) -> Iterator[None]:
    """Open a transaction; raise DoesNotExist of the first (model, pk) that was deleted while the body ran.

    Within a transaction of the caller's, IntegrityError is raised instead, as no further query is possible there.
    """
    try:
        with atomic_write(using):
            yield
    except IntegrityError:  # SQLite raises it only at the commit
        if not connections[using].needs_rollback:
            for model, pk in referenced:
                if pk is not None and not model.objects.filter(pk=pk).exists():
                    raise model.DoesNotExist from None
        raise


def insert_edge(model: type[EdgeModel], **ends: int) -> bool:
    """Insert the row with these foreign keys; return False if it exists."""
    if model.objects.filter(**ends).exists():
        return False
    model(**ends).save(force_insert=True)
    return True


def delete_edge(model: type[EdgeModel], **ends: int) -> bool:
    """Delete the row with these foreign keys; return False if there is none."""
    owner = {model.partitioned_by: ends.pop(model.partitioned_by)}
    return model.objects.filter(**ends).delete_of(**owner)[0] > 0

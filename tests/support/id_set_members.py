"""Membership of an id set, read as an application reads it."""

from collections.abc import Iterable
from typing import Any

from caching.api import Batch


def members_among(id_set: Any, owner: Any, ids: Iterable[int]) -> dict[int, bool]:
    """Return {id: whether the owner's set contains it}, in the order of `ids`."""
    batch = Batch()
    membership = batch.add(id_set.among(owner, ids))
    batch.run()
    return membership.result

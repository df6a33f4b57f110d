"""Id sets and id lists, read as an application reads them."""

from collections.abc import Iterable
from typing import Any

from caching.api import Batch


def members_among(id_set: Any, owner: Any, ids: Iterable[int]) -> dict[int, bool]:
    """Return {id: whether the owner's set contains it}, in the order of `ids`."""
    batch = Batch()
    membership = batch.add(id_set.among(owner, ids))
    batch.run()
    return membership.result


def newest_of(id_list: Any, owner: Any) -> list[Any]:
    """Return the ids of an owner's list, newest first."""
    batch = Batch()
    asked = batch.add(id_list.of(owner))
    batch.run()
    return asked.result

"""Filters of lists of users: apps register which users are hidden from a viewer, and lists leave these users out."""

from collections.abc import Callable, Collection

from caching.api import Batch

ReadHiddenIds = Callable[[], set[int]]
Filter = Callable[[Batch, int, Collection[int]], ReadHiddenIds]
_filters: list[Filter] = []


def register(request_filter: Filter) -> None:
    """Register a filter, called as `request_filter(batch, viewer_id, ids)`. Call this in AppConfig.ready().

    A filter adds reads to the batch, and returns a function that returns the hidden ids once the batch has run.
    """
    _filters.append(request_filter)


def request_hidden(batch: Batch, viewer_id: int, ids: Collection[int]) -> ReadHiddenIds:
    """Add the reads of all filters to a batch; return a function that returns the ids hidden from the viewer.

    Call the returned function once the batch has run.
    """
    reads = [request_filter(batch, viewer_id, ids) for request_filter in _filters]
    return lambda: set().union(*(read_hidden_ids() for read_hidden_ids in reads))

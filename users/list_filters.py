"""Who is kept from a viewer in lists: rooms above register what they know, lists of people ask here."""

from collections.abc import Callable, Collection

from caching.api import Batch

Hidden = Callable[[], set[int]]
Filter = Callable[[Batch, int, Collection[int]], Hidden]
_filters: list[Filter] = []


def register(ask: Filter) -> None:
    """`ask(batch, viewer_id, ids)` adds what it needs to the batch; what it returns is called once that has run, and
    names those of the ids who are hidden from the viewer. To be called in AppConfig.ready()."""
    _filters.append(ask)


def request_hidden(batch: Batch, viewer_id: int, ids: Collection[int]) -> Hidden:
    """The same for all filters together."""
    answers = [ask(batch, viewer_id, ids) for ask in _filters]
    return lambda: set().union(*(answer() for answer in answers))

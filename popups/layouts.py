"""The layout of shards that this process uses. The table has the truth; the configs in memory read it with themselves.

A process that has not heard of a change cannot claim by the old layout: its shards are sealed (popups.resharding).
"""

from django.db import router

from popups.keys import FIRST_LAYOUT, Layout, layout_of
from popups.models import ShardLayout

_current = FIRST_LAYOUT


def current() -> Layout:
    """Return the layout that this process knows of; the first one until it has read the table."""
    return _current


def use(layout: Layout) -> None:
    """Have this process use a layout."""
    global _current
    _current = layout


def read() -> Layout:
    """Read the table, use what it says and return it; one SQL query."""
    use(newest(opened()))
    return _current


def opened() -> list[tuple[int, int]]:
    """Return (number, shards) of all layouts that were ever used, but for the first; one SQL query."""
    rows = ShardLayout.objects.using(router.db_for_write(ShardLayout)).exclude(opened_at=None)
    return list(rows.order_by("pk").values_list("pk", "shards"))


def newest(found: list[tuple[int, int]]) -> Layout:
    """Return the layout in use, given all that were opened."""
    return layout_of(*max(found)) if found else FIRST_LAYOUT

"""Pages of the staff's lists."""

from functools import cached_property

from django.core.paginator import Paginator


class BoundedPaginator(Paginator):
    """Counts no further than LIMIT rows: nobody leafs through a million, and counting them takes a full scan."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        return self.object_list[: self.LIMIT].count()

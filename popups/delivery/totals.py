"""How often a popup was shown to everybody: a number in Redis that every claim needs and adds to.

While it is missing nobody can claim the popup, so what it has to be stands still and can be counted: what the database
knows, and the events in the stream that it does not know yet.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import router
from django.db.models import Sum

from caching.api import Unavailable
from caching.extend import Result, Stale, breaker, execute, jittered_ms
from popups import keys
from popups.delivery import scripts
from popups.models import Day, Event

LIFE_S = 30 * 24 * 3_600
CHUNK = 1_000
PATIENCE_S, PAUSE_S = 2.0, 0.02


class Totals:
    """A source of the cache: totals by popup id; None where Redis does not tell what waits."""

    label = "popups.total"
    scripted = False

    @property
    def using(self) -> str:
        return router.db_for_write(Day)

    def key(self, popup_id: int) -> str:
        return keys.prefixed(keys.total_key(popup_id))

    def load(self, popup_ids: Iterable[int]) -> Mapping[int, int]:
        with contextlib.suppress(Unavailable):
            return {popup_id: _counted(self.using, popup_id) for popup_id in popup_ids}
        return {}

    def encode(self, popup_id: int, total: int | None) -> tuple[bytes, int]:
        return b"" if total is None else b"V%d" % total, jittered_ms(LIFE_S)

    def decode(self, popup_id: int, entry: bytes) -> int:
        if not entry.startswith(b"V") or not entry[1:].isdigit():
            raise Stale
        return int(entry[1:])

    def of(self, popup_id: int) -> Result[int | None]:
        """Ask for a popup's total."""
        return Result(self, {self.key(popup_id): popup_id})


TOTALS = Totals()


def _counted(using: str, popup_id: int) -> int:
    """Raises Unavailable. Read between two equal sums, nothing of this popup's was committed: each showing is either in
    the sum, and by then among the `known`, or still in the stream."""
    days = Day.objects.using(using).filter(popup_id=popup_id)
    gives_up_at = time.monotonic() + PATIENCE_S
    while True:
        before = _sum(days)
        waiting = list(_waiting(popup_id))
        known = sum(
            Event.objects.using(using).filter(stream_id__in=waiting[at : at + CHUNK]).count()
            for at in range(0, len(waiting), CHUNK)
        )
        after = _sum(days)
        if after == before or time.monotonic() > gives_up_at:  # then rather too many than too few
            return after + len(waiting) - known
        time.sleep(PAUSE_S)


def _sum(days: Any) -> int:
    return days.aggregate(total=Sum("shown"))["total"] or 0


def _waiting(popup_id: int) -> Iterator[str]:
    last = b""
    while True:
        command = scripts.scan.command([keys.prefixed(keys.STREAM)], [popup_id, last, CHUNK])
        (last, *ids), *_ = execute([command], allowed=breaker.may_write)
        yield from (each.decode() for each in ids)
        if not last:
            return

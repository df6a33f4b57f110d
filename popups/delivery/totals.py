"""The total of a popup: the number of its showings to all users, in Redis, which every claim reads and increments.

While the total is missing nobody can claim the popup, so the right value stands still and can be counted: the showings
in the database, and those in the stream that the database does not have yet.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Sum

from caching.api import Unavailable
from caching.extend import Stale, breaker, execute, jittered_ms
from popups import keys
from popups.delivery import scripts
from popups.models import Day, Event, Popup
from popups.sources import PopupSource

LIFE_S = 30 * 24 * 3_600
CHUNK = 1_000
NO_POPUP = -1
TIMEOUT_S, RETRY_INTERVAL_S = 2.0, 0.02


class TotalSource(PopupSource):
    """The source of totals, by popup id. The value is None if Redis cannot be used, NO_POPUP if it is deleted."""

    label = "popups.total"
    model = Day

    def key(self, popup_id: int) -> str:
        return keys.prefixed(keys.total_key(popup_id))

    def load(self, popup_ids: Iterable[int]) -> Mapping[int, int]:
        with contextlib.suppress(Unavailable):
            existing = set(Popup.objects.using(self.using).filter(pk__in=popup_ids).values_list("pk", flat=True))
            return {
                popup_id: count_showings(self.using, popup_id) if popup_id in existing else NO_POPUP
                for popup_id in popup_ids
            }
        return {}

    def encode(self, popup_id: int, total: int | None) -> tuple[bytes, int]:
        return b"" if total is None or total == NO_POPUP else b"V%d" % total, jittered_ms(LIFE_S)

    def decode(self, popup_id: int, entry: bytes) -> int:
        if not entry.startswith(b"V") or not entry[1:].isdigit():
            raise Stale
        return int(entry[1:])


TOTALS = TotalSource()


def count_showings(using: str, popup_id: int) -> int:
    """Return the showings in the database and in the stream; raises Unavailable.

    Between two equal sums no showing of this popup was committed, so each showing is either in the sum and, if it is
    still in the stream, also among the `recorded`; or in the stream only.
    """
    days = Day.objects.using(using).filter(popup_id=popup_id)
    gives_up_at = time.monotonic() + TIMEOUT_S
    while True:
        before = _sum(days)
        in_stream = list(_showings_in_stream(popup_id))
        recorded = sum(
            Event.objects.using(using).filter(stream_id__in=in_stream[at : at + CHUNK]).count()
            for at in range(0, len(in_stream), CHUNK)
        )
        after = _sum(days)
        if after == before or time.monotonic() > gives_up_at:  # after the timeout, rather too many than too few
            return after + len(in_stream) - recorded
        time.sleep(RETRY_INTERVAL_S)


def _sum(days: Any) -> int:
    return days.aggregate(total=Sum("shown"))["total"] or 0


def _showings_in_stream(popup_id: int) -> Iterator[str]:
    last = b""
    while True:
        command = scripts.scan.command([keys.prefixed(keys.STREAM)], [popup_id, last, CHUNK])
        (last, *ids), *_ = execute([command], allowed=breaker.may_write)
        yield from (each.decode() for each in ids)
        if not last:
            return

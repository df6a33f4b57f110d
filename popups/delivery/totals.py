"""The total of a popup in a shard: the number of its showings to the shard's users, which every claim increments.

While the total is missing nobody of the shard can claim the popup, so the right value stands still and can be counted:
the showings in the database, and those in the shard's stream that the database does not have yet.

Of an only shard the entry is "V<shown>", and the total cap of the config limits it. Of several it is
"V<shown>/<limit>/<revision>/<cap>": `limit` is what popups.delivery.quotas has granted out of the cap.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Sum

from caching.api import Unavailable, lock_on_all_nodes
from caching.extend import Stale, breaker, execute, jittered_ms
from popups.delivery import scripts
from popups.keys import Shard, prefixed
from popups.models import Day, Event, Popup, Quota
from popups.sources import PopupSource

LIFE_S = 30 * 24 * 3_600
CHUNK = 1_000
TIMEOUT_S, RETRY_INTERVAL_S = 2.0, 0.02


class PopupInShard(NamedTuple):
    """What has a total."""

    shard: Shard
    popup_id: int


class Total(NamedTuple):
    """The showings of a popup in a shard; of one of several shards, what it may show, the change of that which it has
    heard of last, and the total cap that this is a part of (0: none)."""

    shown: int
    limit: int = 0
    revision: int = 0
    cap: int = 0


NO_POPUP = Total(-1)


class TotalSource(PopupSource):
    """The source of totals. The value is None if Redis cannot be used, NO_POPUP if the popup is deleted."""

    label = "popups.total"
    model = Day

    def key(self, identity: PopupInShard) -> str:
        return prefixed(identity.shard.total_key(identity.popup_id))

    def load(self, identities: Iterable[PopupInShard]) -> Mapping[PopupInShard, Total]:
        asked = list(identities)
        with contextlib.suppress(Unavailable):
            popups = Popup.objects.using(self.using).filter(pk__in={each.popup_id for each in asked})
            existing = set(popups.values_list("pk", flat=True))
            return {each: _counted(self.using, each) if each.popup_id in existing else NO_POPUP for each in asked}
        return {}

    def encode(self, identity: PopupInShard, total: Total | None) -> tuple[bytes, int]:
        if total is None or total == NO_POPUP:
            return b"", 0
        fields = total[:1] if identity.shard.is_only else total
        return b"V" + b"/".join(b"%d" % field for field in fields), jittered_ms(LIFE_S)

    def decode(self, identity: PopupInShard, entry: bytes) -> Total:
        fields = entry[1:].split(b"/")
        if not entry.startswith(b"V") or not all(map(bytes.isdigit, fields)):
            raise Stale
        if len(fields) != (1 if identity.shard.is_only else len(Total._fields)):
            raise Stale
        return Total(*map(int, fields))


TOTALS = TotalSource()


def _counted(using: str, each: PopupInShard) -> Total:
    if each.shard.is_only:
        return Total(count_showings(using, each))
    is_intact = has_its_data(each.shard)
    with transaction.atomic(using=using):  # waits for who is taking back a part of it
        quota = _quota(using, each).select_for_update().first() or Quota()
        lock_on_all_nodes(_quota(using, each), "revision")
    shown = count_showings(using, each)
    # Events that were lost may have been shown: what the shard was granted is spent (popups.delivery.quotas.recount).
    return Total(shown if is_intact else max(shown, quota.granted), quota.granted, quota.revision, quota.cap or 0)


def has_its_data(shard: Shard) -> bool:
    """Return whether Redis has not lost a shard's events since its layout was opened; raises Unavailable."""
    (found,) = execute([("EXISTS", prefixed(shard.alive_key))], allowed=breaker.may_write)
    return bool(found)


def count_showings(using: str, each: PopupInShard) -> int:
    """Return the showings to a shard's users in the database and in the stream; raises Unavailable.

    Between two equal sums no showing of this popup was committed, so each showing is either in the sum and, if it is
    still in the stream, also among the `recorded`; or in the stream only.
    """
    recorded_rows = _days(using, each) if each.shard.is_only else _quota(using, each)
    gives_up_at = time.monotonic() + TIMEOUT_S
    while True:
        before = _sum(recorded_rows)
        in_stream = list(map(each.shard.table_id, _showings_in_stream(each)))
        recorded = sum(
            Event.objects.using(using).filter(stream_id__in=in_stream[at : at + CHUNK]).count()
            for at in range(0, len(in_stream), CHUNK)
        )
        after = _sum(recorded_rows)
        if after == before or time.monotonic() > gives_up_at:  # after the timeout, rather too many than too few
            return after + len(in_stream) - recorded
        time.sleep(RETRY_INTERVAL_S)


def _days(using: str, each: PopupInShard) -> Any:
    return Day.objects.using(using).filter(popup_id=each.popup_id)


def _quota(using: str, each: PopupInShard) -> Any:
    of_popup = Quota.objects.using(using).filter(popup_id=each.popup_id, layout=each.shard.layout)
    return of_popup.filter(shard=each.shard.number)


def _sum(rows: Any) -> int:
    return rows.aggregate(total=Sum("shown"))["total"] or 0


def _showings_in_stream(each: PopupInShard) -> Iterator[str]:
    stream, last = each.shard.stream, b""
    while True:
        command = scripts.scan.command([prefixed(stream)], [each.popup_id, last, CHUNK])
        (found,) = execute([command], allowed=breaker.may_write)
        if found == b"sealed":
            stream = each.shard.sealed.stream
            continue
        last, *ids = found
        yield from (each.decode() for each in ids)
        if not last:
            return

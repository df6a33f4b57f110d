"""Keys and events of the shards in use, for tests that look behind popups."""

from django.utils import timezone

from caching.api import redis_client
from popups import layouts
from popups.config import version
from popups.delivery.totals import TOTALS, PopupInShard
from popups.events import drain, stream
from popups.keys import Layout, Shard, layout_of, prefixed
from popups.models import ShardLayout


def first() -> Shard:
    """Return the first shard in use, mostly the only one."""
    return layouts.current().shards[0]


def backlog() -> int:
    return stream.backlog(layouts.read().shards)


def stream_key(shard: Shard | None = None) -> str:
    return prefixed((shard or first()).stream)


def total_keys(popup_id: int) -> list[str]:
    return [TOTALS.key(PopupInShard(shard, popup_id)) for shard in layouts.read().shards]


def forget_totals(popup_id: int) -> None:
    for key in total_keys(popup_id):
        redis_client().delete(key)


def take(consumer: str, **options: int) -> stream.TakenEvents:
    return stream.take(consumer, first(), **options)


def drain_first(consumer: str, **options: int) -> int:
    return drain.drain(consumer, first(), **options)


def open_layout(shards: int) -> Layout:
    """Divide users among shards at once, for tests in which no events wait."""
    layout = layout_of(layouts.read().number + 1, shards)
    for shard in layout.shards:
        redis_client().set(prefixed(shard.alive_key), "1")
    ShardLayout.objects.create(number=layout.number, shards=shards, opened_at=timezone.now())
    version.bump()
    return layout

"""Changing the number of shards while users are shown popups: nothing is claimed twice, nothing is lost.

    announce   a row of the new layout in the table, with the token of this change
    seal       each old shard: nothing can be claimed or recorded there from now on, by whoever believes in it
    drain      the sealed streams, so that the tables have everything
    open       the new layout in the table, unless it was cancelled; its states and totals are loaded from the tables
    tell       all processes, by the version of the configs

From the first seal until the opening nobody is shown a popup, and clicks are answered 503: as long as it takes to write
the events that were waiting. Each step may be repeated, so a command that was killed is continued by the next one.
"""

import secrets
from collections.abc import Callable, Iterable
from typing import Any

from django.db import router
from django.utils import timezone

from caching.api import Unavailable
from caching.extend import Command, breaker, confirm, execute, witness_of
from popups import layouts
from popups.config import version
from popups.delivery import scripts, totals
from popups.events import drain, stream
from popups.keys import Layout, Shard, layout_of, prefixed
from popups.models import Quota, ShardLayout

Report = Callable[[str], None]


class Refused(Exception):
    """The layout cannot be changed so; the message says why, and what to do."""


def reshard(shards: int, report: Report) -> Layout:
    """Divide users among another number of shards, or go on with a change that was interrupted; return the layout.

    Raises Refused, Unavailable and DatabaseError; then call it again, or cancel().
    """
    old = layouts.read()
    if len(old.shards) == shards and pending() is None:
        return old
    new, token = _announce(old, shards)
    consumer = stream.new_consumer()
    # Before anything is sealed: a shard that cannot be reached ends the command here.
    report(f"Draining {counted(stream.backlog(old.shards), 'event')}.")
    _prepare(new.shards)
    while drain.drain_all(consumer, old):
        pass
    _seal(old.shards, token)
    waiting = counted(stream.backlog(old.shards), "more event")
    report(f"{counted(len(old.shards), 'shard')} sealed. Draining {waiting}.")
    while stream.backlog(old.shards):
        for shard in old.shards:
            drain.drain(consumer, shard.sealed, min_idle_ms=0)
    if not _open(new, token):
        _unseal(old.shards, token)
        raise Refused("Another command has cancelled this change.")
    _tell(old, new)
    return layouts.read()


def pending() -> ShardLayout | None:
    """Return the row of a change that is under way or was interrupted."""
    return _rows().filter(opened_at=None).first()


def cancel(report: Report) -> bool:
    """Go back to the layout before a change that was not finished; return whether there was one."""
    row = pending()
    if row is None or not _rows().filter(pk=row.pk, token=row.token, opened_at=None).delete()[0]:
        return False
    _unseal(layouts.read().shards, row.token)
    report("The shards are what they were before.")
    return True


def recount(layout: Layout, report: Report) -> int:
    """Count anew what shards have shown that lost their data, and let them show the rest; return how many they were.

    Until then everything that they were granted of total caps is taken as shown.
    """
    lost = [shard for shard in layout.shards if not shard.is_only and not totals.has_its_data(shard)]
    for shard in lost:
        report(f"Shard {shard.number} had lost its data; it shows again what it was granted and the tables lack.")
        _prepare([shard])
        popup_ids = Quota.objects.filter(layout=layout.number, shard=shard.number).values_list("popup_id", flat=True)
        for popup_id in popup_ids:
            _run(("DEL", totals.TOTALS.key(totals.PopupInShard(shard, popup_id))))
    return len(lost)


def counted(number: int, noun: str) -> str:
    """Return a number and the noun that it counts: "1 shard", "1,200 shards"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _announce(old: Layout, shards: int) -> tuple[Layout, str]:
    """Return the layout to change to and the token of the change, which others share who go on with it."""
    row, _ = _rows().get_or_create(pk=old.number + 1, defaults={"shards": shards, "token": secrets.token_hex(8)})
    if row.shards != shards:
        raise Refused(
            f"A change to {counted(row.shards, 'shard')} was not finished. Go on with it by shard_popups {row.shards}, "
            "or go back by shard_popups --cancel."
        )
    return layout_of(row.pk, row.shards), row.token


def _prepare(shards: Iterable[Shard]) -> None:
    """Mark shards as having their data."""
    for shard in shards:
        _run(("SET", prefixed(shard.alive_key), "1"))


def _seal(shards: Iterable[Shard], token: str) -> None:
    """Seal shards, also on the replicas that may take over."""
    for shard in shards:
        witness = witness_of(prefixed(shard.stream))
        _run(scripts.seal.command(_streams(shard), [token]))
        if not confirm(witness, prefixed(shard.stream)):
            raise Unavailable(f"no replica has the seal of shard {shard.number}")


def _unseal(shards: Iterable[Shard], token: str) -> None:
    """Take off the seals of one change."""
    for shard in shards:
        _run(scripts.unseal.command(_streams(shard), [token]))


def _open(new: Layout, token: str) -> bool:
    """Put the layout into use and return whether it is: not if the change was cancelled."""
    _rows().filter(pk=new.number, token=token, opened_at=None).update(opened_at=timezone.now())
    return bool(_rows().filter(pk=new.number, token=token).exclude(opened_at=None).exists())


def _tell(old: Layout, new: Layout) -> None:
    """Have all processes read the table, and forget the quotas of older layouts."""
    for layout in (old, new):
        version.replace(layout)
    Quota.objects.using(router.db_for_write(Quota)).filter(layout__lt=new.number).delete()


def _rows() -> Any:
    return ShardLayout.objects.using(router.db_for_write(ShardLayout))


def _streams(shard: Shard) -> tuple[str, str]:
    return prefixed(shard.stream), prefixed(shard.sealed.stream)


def _run(command: Command) -> Any:
    (reply,) = execute([command], allowed=breaker.may_write)
    return reply

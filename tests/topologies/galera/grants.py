"""What processes of the application do for the test of total caps; imported where Django is set up."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from tests.support.threads import in_parallel
from tests.topologies.galera.actions import request
from tests.topologies.galera.applications import pause

THREADS, MOST_ATTEMPTS = 2, 20
AGAIN = 503
"""The status of a request that lost against others three times."""


def reshard(shards: int) -> None:
    from popups import resharding

    resharding.reshard(shards, lambda _: None)


def new_popup(placement: str, cap: int) -> int:
    from popups.models import Popup

    return Popup.objects.create(title="Hello", placement=placement, total_cap=cap).pk


def new_users(begin: str, number: int) -> list[int]:
    from users.models import User

    return [User.objects.create_one(username=f"{begin}{each}", password="!").pk for each in range(number)]


def claim(placement: str, user_ids: Iterable[int]) -> int:
    """Have users ask for their next popup, and return how many were shown one."""
    shown = 0
    for user_id in user_ids:
        for _ in range(MOST_ATTEMPTS):
            status, answer = request("GET", f"popups/next?placement={placement}", None, user_id)
            if status != AGAIN:
                break
        shown += answer["popup"] is not None
    return shown


def claim_at_once(placement: str, user_ids: list[int], forget: int = 0) -> int:
    """The same in several threads, once the test resumes this process; the totals of popup `forget` are lost then."""
    from tests.popups.shards import forget_totals

    pause()
    calls = [partial(claim, placement, user_ids[each::THREADS]) for each in range(THREADS)]
    shown = [each for each in in_parallel(*calls, partial(forget_totals, forget)) if each is not None]
    return sum(shown)


def load_totals(popup_id: int) -> None:
    from caching.api import Batch
    from popups import layouts
    from popups.delivery.totals import TOTALS, PopupInShard

    batch = Batch()
    batch.add_all([TOTALS.of(PopupInShard(shard, popup_id)) for shard in layouts.read().shards])
    batch.run()


def load_totals_slowly(popup_id: int) -> None:
    """The same; this process pauses after the statement that writes the lock of a quota."""
    from django.db import connection

    def execute(real: Any, sql: str, *rest: Any) -> Any:
        result = real(sql, *rest)
        if sql.startswith("UPDATE `popups_quota`"):
            pause()
        return result

    with connection.execute_wrapper(execute):
        load_totals(popup_id)


def grant(popup_id: int, number: int) -> str:
    """Have a shard, which was granted nothing so far, be granted a part of a popup's cap; return the outcome."""
    from caching.api import repeated
    from popups import layouts
    from popups.delivery import quotas
    from popups.delivery.totals import PopupInShard, Total

    layout = layouts.read()
    each = PopupInShard(layout.shards[number], popup_id)
    work = partial(quotas.request_grant, layout, each, Total(0))
    return repeated(work, is_idempotent=True).outcome.value


def revisions(popup_id: int) -> list[int]:
    from popups.models import Quota

    return list(Quota.objects.filter(popup_id=popup_id).values_list("revision", flat=True))


def granted(popup_id: int) -> int:
    """Return what all shards were granted of a popup's cap, as this node has it."""
    from popups.models import Quota

    return sum(Quota.objects.filter(popup_id=popup_id).values_list("granted", flat=True))


def limits(popup_id: int) -> int:
    """Return what the shards believe that they were granted."""
    from caching.api import redis_client
    from tests.popups.shards import total_keys

    return sum(int(redis_client().get(key).split(b"/")[1]) for key in total_keys(popup_id))


def drained(popup_id: int) -> tuple[int, int]:
    """Write all events, and return the showings of a popup in the log, and by day."""
    from django.core.management import call_command

    from popups.models import Day, Event

    call_command("drain_popup_events", once=True, verbosity=0)
    days = Day.objects.filter(popup_id=popup_id).values_list("shown", flat=True)
    return Event.objects.filter(popup_id=popup_id, type="shown").count(), sum(days)

"""Protection of popups that were shown: they cannot be deleted, however soon after the showing somebody tries.

The database protects those whose events it has (`PROTECT`). The newest events are only in the stream yet, so a deletion
first holds the popup's total in each shard, without which nobody can claim it, and then looks into the streams.
"""

from typing import Any

from django.db.models import ProtectedError
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from caching.api import Unavailable, hold_keys
from popups import layouts
from popups.delivery.totals import TOTALS, PopupInShard, count_showings
from popups.models import Day, Popup


class ShownPopup(ProtectedError):
    """The popup was shown, or Redis cannot tell whether it was; the message is for the staff."""

    def __init__(self, popup: Any, reason: str) -> None:
        super().__init__(f"{popup} {reason}: switch it off instead.", {popup})

    def __str__(self) -> str:
        return str(self.args[0])


@receiver(pre_delete, sender=Popup)
def protect(instance: Popup, using: str, **_: Any) -> None:
    """Let nobody claim a popup until the end of the transaction that deletes it; raise ShownPopup if somebody has."""
    totals = [PopupInShard(shard, instance.pk) for shard in layouts.read().shards]
    hold_keys(using, map(TOTALS.key, totals))
    try:
        is_in_stream = any(count_showings(using, each) for each in totals)
    except Unavailable as error:
        raise ShownPopup(instance, "may have been shown, and Redis cannot be asked") from error
    if is_in_stream or Day.objects.using(using).filter(popup_id=instance.pk).exists():
        raise ShownPopup(instance, "was shown")

"""Signal receivers for edits of configs: what their quotas are a part of, and the version after the commit."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from caching.extend import LoggedTransaction, listen
from popups.config import version
from popups.models import Pacing, Popup, Quota


@receiver(post_save, sender=Popup)
def forget_caps(instance: Popup, using: str, **_: Any) -> None:
    """Note in the same transaction that a popup has no total cap now: shards may show more than they were granted."""
    if instance.total_cap is None:
        Quota.objects.using(using).filter(popup_id=instance.pk).update(cap=None)


def after_logged(using: str, transactions: Sequence[LoggedTransaction]) -> None:
    """Do both for edits that the database's log tells of, by raw SQL as well."""
    changes = [change for each in transactions for change in each.changes]
    for change in changes:
        if isinstance(change.after, Popup):
            forget_caps(change.after, using)
    if changes:
        version.bump()


for model in (Popup, Pacing):
    listen(model, after_logged)


@receiver([post_save, post_delete], sender=Popup)
@receiver([post_save, post_delete], sender=Pacing)
def bump_after_commit(using: str, **_: Any) -> None:
    """Replace the version after the commit of the current transaction."""
    transaction.on_commit(version.bump, using=using)

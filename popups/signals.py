"""Signal receivers: a new version of the configs after an edit, and the protection of popups that were shown."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver

from popups import protection
from popups.config import version
from popups.models import Pacing, Popup


@receiver([post_save, post_delete], sender=Popup)
@receiver([post_save, post_delete], sender=Pacing)
def bump_after_commit(using: str, **_: Any) -> None:
    """Replace the version after the commit of the current transaction."""
    transaction.on_commit(version.bump, using=using)


@receiver(pre_delete, sender=Popup)
def refuse_if_shown(instance: Popup, using: str, **_: Any) -> None:
    """Raise ProtectedError for a popup that was shown, in the transaction that would delete it."""
    protection.protect(instance, using)

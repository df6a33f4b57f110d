"""Signal receivers that replace the version of the configs after the commit of an edit."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from popups.config import version
from popups.models import Pacing, Popup


@receiver([post_save, post_delete], sender=Popup)
@receiver([post_save, post_delete], sender=Pacing)
def bump_after_commit(using: str, **_: Any) -> None:
    """Replace the version after the commit of the current transaction."""
    transaction.on_commit(version.bump, using=using)

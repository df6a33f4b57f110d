"""System checks of the settings for production."""

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def mail_is_configured(**_: Any) -> list[checks.CheckMessage]:
    """Warn if mails cannot be sent, so that nobody who forgot a password gets in again."""
    if settings.EMAIL_URL:
        return []
    hint = "Set EMAIL_URL, for example smtp://user:password@mail.example.com:587."
    return [checks.Warning("Password resets are not mailed, because EMAIL_URL is not set.", hint=hint, id="users.W001")]

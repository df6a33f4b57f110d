"""System checks of the settings for production, and of the search terms."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, router

from users import reindexing
from users.models import SearchIndex


@checks.register(checks.Tags.security, deploy=True)
def mail_is_configured(**_: Any) -> list[checks.CheckMessage]:
    """Warn if mails cannot be sent, so that nobody who forgot a password gets in again."""
    if settings.EMAIL_URL:
        return []
    hint = "Set EMAIL_URL, for example smtp://user:password@mail.example.com:587."
    return [checks.Warning("Password resets are not mailed, because EMAIL_URL is not set.", hint=hint, id="users.W001")]


@checks.register(checks.Tags.security, deploy=True)
def open_doors(**_: Any) -> list[checks.CheckMessage]:
    """Warn of each setting by which passwords can be guessed, or any host is answered."""
    found: list[checks.CheckMessage] = []
    if not {"token", "account"} <= settings.THROTTLES.keys():
        found.append(checks.Warning("Passwords can be guessed: THROTTLES is off.", hint="Unset it.", id="users.W002"))
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts, as pages and mails have links to the host of the request."
        found.append(checks.Warning("Every host is answered: ALLOWED_HOSTS has *.", hint=hint, id="users.W003"))
    return found


@checks.register(checks.Tags.database)
def search_terms_are_current(databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Warn if users may have search terms of an earlier release; says nothing before the tables are there."""
    if router.db_for_read(SearchIndex) not in (databases or ()):
        return []
    with suppress(DatabaseError):
        if not reindexing.is_complete():
            hint = "Run manage.py reindex_search once no process of the earlier release is left."
            return [checks.Warning("Users may have search terms of an earlier release.", hint=hint, id="users.W004")]
    return []

"""The manager of accounts, beyond what caching provides."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import connections
from django.db.models import Value
from django.db.models.functions import Collate
from django.dispatch import Signal

from api import generations
from api.ids import is_id
from caching.api import Batch, CachedManager, CachedQuerySet, UniqueRow
from users.folding import fold
from users.passwords import normalize, validate_characters
from users.terms import SEARCHED
from users.usernames import USERNAME, UsernameReserved

MOST_OF_EMAIL = 5
many_written = Signal()
"""Sent with `user_ids` and `columns` (None: all) after a write of SEARCHED columns of several rows, within the
transaction of the write."""
renaming = Signal()
"""Sent with `user_ids` before usernames of several rows are updated, within the transaction of the write."""


class UserQuerySet(CachedQuerySet):
    """Sends `many_written` for writes that Django sends no signal for. bulk_update() calls update().

    A new password, and deactivation, end all tokens of the accounts.
    """

    def update(self, **changes: Any) -> int:
        if "password" in changes or changes.get("is_active", True) is not True:
            changes = {**generations.all_ended(), **changes}
        if SEARCHED.isdisjoint(changes):
            return super().update(**changes)
        with self._transaction():
            user_ids = list(self.select_for_update().values_list("pk", flat=True))
            if "username" in changes:
                renaming.send(self.model, user_ids=user_ids)
            changed = super().update(**changes)
            many_written.send(self.model, user_ids=user_ids, columns=frozenset(changes))
        return changed

    def upgrade_hash(self, password_hash: str) -> int:
        """Store another hash of the same password, which ends no token."""
        return super().update(password=password_hash)

    def having_email(self, email: str) -> list[Any]:
        """Return the oldest active accounts with a password and this mail address, at most MOST_OF_EMAIL.

        The case of A–Z is ignored, on all databases alike: a collation may find more, and SQLite reads all accounts.
        """
        rule = {"sqlite": "NOCASE"}.get(connections[self.db].vendor)
        wanted = Collate(Value(email), rule) if rule else email
        found = self.filter(email=wanted, is_active=True).order_by("pk")[: 20 * MOST_OF_EMAIL]
        same = (user for user in found if ascii_lower(user.email) == ascii_lower(email))
        return list(islice((user for user in same if user.has_usable_password()), MOST_OF_EMAIL))

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        with self._transaction():
            users = super().bulk_create(objs, *args, **options)
            many_written.send(self.model, user_ids=[user.pk for user in users], columns=None)
        return users


def ascii_lower(text: str) -> str:
    """Return a text with A–Z in lower case, and all else as it is: the rule by which mail addresses are the same."""
    return text.encode().lower().decode()


class UserManager(CachedManager.from_queryset(UserQuerySet), BaseUserManager):  # type: ignore[misc]
    """The manager of accounts: finds accounts by username through the cache, and hashes passwords of new ones."""

    def named(self, username: str) -> Any:
        """Return the user with a username in any case, through the cache; None if there is none."""
        if not USERNAME.fullmatch(username):
            return None
        try:
            return self.get_one(username=username.lower())
        except ObjectDoesNotExist:
            return None

    def request_named(self, batch: Batch, username: str) -> UniqueRow | None:
        """Ask a batch for the row of the user with a username in any case; None if nobody can have such a name."""
        return UniqueRow(batch, self.model, "username", username.lower()) if USERNAME.fullmatch(username) else None

    def ids_named(self, text: str) -> list[int]:
        """Return the ids of the users whose id or whole username is the text: at most two, not checked to exist.

        The text is folded, as in every search.
        """
        user = self.named(fold(text))
        return ([int(text)] if is_id(text) else []) + ([user.pk] if user else [])

    def create_user(self, username: str, password: str | None = None, **columns: Any) -> Any:
        return self.create_one(username=username, password=make_password(password), **columns)

    def create_superuser(self, username: str, password: str | None = None, **columns: Any) -> Any:
        """Create an administrator; called by `manage.py createsuperuser`, which reports a ValidationError."""
        if password is not None:
            validate_characters(normalize(password))
        try:
            return self.create_user(username, password, **{**columns, "is_staff": True, "is_superuser": True})
        except UsernameReserved as error:
            raise ValidationError(str(error)) from None

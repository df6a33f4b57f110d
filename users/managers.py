"""The manager of accounts, beyond what caching provides."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ObjectDoesNotExist
from django.dispatch import Signal

from api.ids import is_id
from caching.api import CachedManager, CachedQuerySet
from users.passwords import normalize, validate_characters
from users.terms import SEARCHED
from users.usernames import USERNAME

many_written = Signal()
"""Sent with `user_ids` after a write of SEARCHED columns of several rows, within the transaction of the write."""


class UserQuerySet(CachedQuerySet):
    """Sends `many_written` for writes that Django sends no signal for. bulk_update() calls update()."""

    def update(self, **changes: Any) -> int:
        if SEARCHED.isdisjoint(changes):
            return super().update(**changes)
        with self._transaction():
            user_ids = list(self.select_for_update().values_list("pk", flat=True))
            changed = super().update(**changes)
            many_written.send(self.model, user_ids=user_ids)
        return changed

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        with self._transaction():
            users = super().bulk_create(objs, *args, **options)
            many_written.send(self.model, user_ids=[user.pk for user in users])
        return users


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

    def ids_named(self, text: str) -> list[int]:
        """Return the ids of the users whose id or whole username is the text: at most two, not checked to exist."""
        user = self.named(text)
        return ([int(text)] if is_id(text) else []) + ([user.pk] if user else [])

    def create_user(self, username: str, password: str | None = None, **columns: Any) -> Any:
        return self.create_one(username=username, password=make_password(password), **columns)

    def create_superuser(self, username: str, password: str | None = None, **columns: Any) -> Any:
        """Create an administrator; called by `manage.py createsuperuser`, which reports a ValidationError."""
        if password is not None:
            validate_characters(normalize(password))
        return self.create_user(username, password, **{**columns, "is_staff": True, "is_superuser": True})

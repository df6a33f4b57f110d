"""Reads of accounts and states beyond the cache's own verbs."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.hashers import make_password
from django.dispatch import Signal

from caching.api import CachedManager, CachedQuerySet
from users.terms import SEARCHED
from users.usernames import USERNAME

many_written = Signal()
"""Sent with `user_ids`, in the same transaction, after SEARCHED columns of many rows were written."""


class UserQuerySet(CachedQuerySet):
    """Django's signals do not tell of writes of many rows; `many_written` does. (bulk_update() calls update().)"""

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


class UserManager(CachedManager.from_queryset(UserQuerySet), BaseUserManager):
    def named(self, username: str) -> Any:
        """Through the cache, ignoring case; None also for what can be nobody's name."""
        if not USERNAME.fullmatch(username):
            return None
        try:
            return self.get_one(username=username.lower())
        except self.model.DoesNotExist:
            return None

    def create_user(self, username: str, password: str | None = None, **columns: Any) -> Any:
        return self.create_one(username=username, password=make_password(password), **columns)

    def create_superuser(self, username: str, password: str | None = None, **columns: Any) -> Any:
        """What `manage.py createsuperuser` calls."""
        return self.create_user(username, password, **{**columns, "is_staff": True, "is_superuser": True})


class UserStateManager(CachedManager):
    pass

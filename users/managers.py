"""Reads of accounts and states beyond the cache's own verbs."""

import re
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.hashers import make_password

from caching import CachedManager

if TYPE_CHECKING:
    from users.models import User

USERNAME = re.compile(r"[A-Za-z0-9_.]{3,30}", re.ASCII)
USERNAME_LENGTH = 30
USERNAME_RULE = "A username has 3 to 30 characters: letters A-Z, digits, underscores and dots."


class UserManager(CachedManager, BaseUserManager):
    def named(self, username: str) -> "User | None":
        """Through the cache, ignoring case; None also for what can be nobody's name."""
        if not USERNAME.fullmatch(username):
            return None
        try:
            return self.get_one(username=username.lower())
        except self.model.DoesNotExist:
            return None

    def create_user(self, username: str, password: str | None = None, **columns: Any) -> "User":
        return self.create_one(username=username, password=make_password(password), **columns)

    def create_superuser(self, username: str, password: str | None = None, **columns: Any) -> "User":
        """What `manage.py createsuperuser` calls."""
        return self.create_user(username, password, **{**columns, "is_staff": True, "is_superuser": True})


class UserStateManager(CachedManager):
    pass

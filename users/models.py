"""Accounts, their states and their search terms."""

from typing import ClassVar

from asgiref.sync import sync_to_async
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from api.model_fields import EmailLineField, LineField, MultilineField, URLLineField
from caching.api import Cached, CachedModel
from users import passwords
from users.fields import BINARY, IGNORE_CASE, CollatedCharField, UsernameField
from users.managers import UserManager
from users.terms import TERM_LENGTH
from users.usernames import USERNAME, USERNAME_LENGTH, USERNAME_RULE


class Gender(models.TextChoices):
    """The choices of a user's gender; empty if not said."""

    UNSAID = "", "not said"
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class User(CachedModel, AbstractBaseUser, PermissionsMixin):
    """An account. `username` keeps its case, and is unique regardless of case."""

    id = models.BigAutoField(primary_key=True)
    username = UsernameField(
        max_length=USERNAME_LENGTH,
        unique=True,
        default="",
        rule=IGNORE_CASE,
        validators=[RegexValidator(rf"\A{USERNAME.pattern}\Z", USERNAME_RULE)],
        error_messages={"unique": "This username is taken."},
    )
    password = models.CharField(max_length=128, default="!")
    nickname = LineField(max_length=64, blank=True, default="")
    avatar = URLLineField(max_length=500, blank=True, default="")
    bio = MultilineField(max_length=500, blank=True, default="")
    gender = models.CharField(max_length=10, blank=True, default=Gender.UNSAID, choices=Gender.choices)
    country = LineField(max_length=64, blank=True, default="")
    city = LineField(max_length=64, blank=True, default="")
    language = LineField(max_length=16, blank=True, default="")
    level = models.PositiveIntegerField(default=1)
    is_vip = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    email = EmailLineField(max_length=254, blank=True, default="")
    phone = LineField(max_length=24, blank=True, default="")
    birthday = models.DateField(null=True, blank=True, default=None)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    USERNAME_FIELD = "username"
    cached: ClassVar = Cached(ttl_s=3600, never=("password", "last_login"), lookups=("username",), since="created_at")
    objects: ClassVar = UserManager()

    def check_password(self, raw_password: str | None) -> bool:
        """Return whether a password is right, in the normalised form or, for an older hash, as it is typed."""
        if raw_password is None:
            return super().check_password(None)
        normalized = passwords.normalize(raw_password)
        if super().check_password(normalized):
            return True
        if normalized == raw_password or not super().check_password(raw_password):
            return False
        self.password = make_password(normalized)
        self.save(update_fields=["password"])
        return True

    async def acheck_password(self, raw_password: str | None) -> bool:
        """Return what check_password() returns."""
        return await sync_to_async(self.check_password)(raw_password)


class UserState(CachedModel):
    """The presence of a user; a user without a row is offline and was never seen."""

    class Status(models.TextChoices):
        ONLINE = "online"
        AWAY = "away"
        BUSY = "busy"
        OFFLINE = "offline"

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="state")
    status = models.CharField(max_length=10, default=Status.OFFLINE, choices=Status.choices)
    message = LineField(max_length=140, blank=True, default="")
    last_seen_at = models.DateTimeField(null=True, blank=True, default=None)

    cached: ClassVar = Cached(ttl_s=3600, since="last_seen_at")

    def __str__(self) -> str:
        return f"{self.user_id}: {self.status}"


class SearchTerm(models.Model):
    """A term by which search finds a user; see users/search.py and docs/decisions/0002-search-terms.md."""

    pk = models.CompositePrimaryKey("term", "user_id")
    term = CollatedCharField(max_length=TERM_LENGTH, rule=BINARY)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)

    class Meta:
        indexes = [models.Index(fields=["user", "term"], name="users_searchterm_user_term")]

    def __str__(self) -> str:
        return f"{self.term}: {self.user_id}"

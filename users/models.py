"""Accounts, their states and their search terms."""

from collections.abc import Iterable
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, router
from django.utils import timezone

from api import generations
from api.model_fields import EmailLineField, LineField, MultilineField, URLLineField
from caching.api import Cached, CachedModel, atomic_write
from users import passwords
from users.fields import BINARY, IGNORE_CASE, CollatedCharField, UsernameField
from users.managers import UserManager
from users.terms import TERM_LENGTH
from users.usernames import USERNAME, USERNAME_LENGTH, USERNAME_RULE, folded

AGENT_LENGTH = 200
TOKEN_COLUMNS = ("token_generation", "ended_logins")
TOKEN_ENDING = ("password", "is_active")  # a change of these ends every token


class Gender(models.TextChoices):
    """The choices of a user's gender; empty if not said."""

    UNSAID = "", "not said"
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class User(CachedModel, AbstractBaseUser, PermissionsMixin):
    """An account. `username` keeps its case, and is unique regardless of case.

    `token_generation` and `ended_logins` (see api.generations) are written by the QuerySet alone: save() sets them to
    what is stored, or to a new generation if it changes the password or `is_active`.
    """

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
    former_name: str | None = None
    """The stored username before a save; see users/former_names.py."""
    token_generation = models.BigIntegerField(default=0, db_default=0, editable=False)
    ended_logins = models.CharField(
        max_length=generations.MOST_CHARACTERS, blank=True, default="", db_default="", editable=False
    )

    USERNAME_FIELD = "username"
    cached: ClassVar = Cached(
        ttl_s=3600,
        never=("password", "last_login"),
        lookups=("username",),
        since="created_at",
        live="is_active",
        remembered=16_384,
    )
    objects: ClassVar = UserManager()

    class Meta(CachedModel.Meta):
        indexes = [
            models.Index(fields=["email"], name="users_user_email"),
            # The staff looks for the few that are not active, and that are staff.
            models.Index(fields=["is_active"], name="users_user_active"),
            models.Index(fields=["is_staff"], name="users_user_staff"),
        ]

    def save_base(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        using = options.get("using") or router.db_for_write(type(self), instance=self)
        with atomic_write(using):
            if self.pk is not None and not options.get("force_insert"):
                update_fields = self.follow_tokens(using, update_fields)
            super().save_base(*args, update_fields=update_fields, **options)  # type: ignore[misc]

    def follow_tokens(self, using: str, update_fields: Iterable[str] | None) -> Iterable[str] | None:
        """Set the columns of the tokens, before a save in its transaction; return the columns to save."""
        followed = {*TOKEN_ENDING, *TOKEN_COLUMNS, "username"}
        saved = followed if update_fields is None else set(update_fields)
        if saved.isdisjoint(followed):
            return update_fields
        row = type(self)._base_manager.using(using).filter(pk=self.pk).select_for_update()
        stored = row.values(*followed).first()
        if stored is None:
            return update_fields
        self.former_name = stored.pop("username")
        if self.is_active and not stored["is_active"] and Erasure.objects.filter(pk=self.pk, gone_at=None).exists():
            raise ValidationError({"is_active": "This account is being deleted."})
        if any(stored[name] != getattr(self, name) for name in saved.intersection(TOKEN_ENDING)):
            stored |= generations.all_ended()
        for name in TOKEN_COLUMNS:
            setattr(self, name, stored[name])
        return None if update_fields is None else {*saved, *TOKEN_COLUMNS}

    def validate_unique(self, exclude: Any = None) -> None:
        super().validate_unique(exclude=exclude)
        if "username" not in (exclude or ()) and FormerName.objects.held_from(self.pk, self.username).exists():
            raise ValidationError({"username": "This username is taken."})

    def check_password(self, raw_password: str | None) -> bool:
        """Return whether a password is right, in the normalised form or, for an older hash, as it is typed."""
        normalized = raw_password and passwords.normalize(raw_password)
        if check_password(normalized, self.password, self._upgrade_hash):
            return True
        if normalized == raw_password or not check_password(raw_password, self.password):
            return False
        self._upgrade_hash(normalized)
        return True

    async def acheck_password(self, raw_password: str | None) -> bool:
        """Return what check_password() returns."""
        return await sync_to_async(self.check_password)(raw_password)

    def _upgrade_hash(self, password: Any) -> None:
        """Store the same password in the current hash, which ends no token, unless it was changed meanwhile."""
        upgraded = make_password(password)
        stored: Any = type(self).objects.filter(pk=self.pk, password=self.password)
        stored.upgrade_hash(upgraded)
        self.password = upgraded


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

    # Most users have none for long: their profiles would ask the database every ten seconds.
    cached: ClassVar = Cached(ttl_s=3600, negative_ttl_s=3600, since="last_seen_at", remembered=16_384)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.status}"


class Login(models.Model):
    """A login of a user on one device, which the refresh tokens that follow each other carry on.

    It is over if `generation` is not the account's any more (see api.generations.refresh_half) or it has expired.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="logins")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now)
    user_agent = models.CharField(max_length=AGENT_LENGTH, blank=True, default="")
    refresh_id = models.CharField(max_length=64, default="")  # the only refresh token that is valid
    generation = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True, default=timezone.now)

    class Meta:
        verbose_name = "session"

    def __str__(self) -> str:
        return f"{self.user_id} since {self.created_at:%Y-%m-%d %H:%M}"


class QueuedMail(models.Model):
    """A request to mail a token to an address; see users.mail_queue."""

    id = models.BigAutoField(primary_key=True)
    email = models.EmailField(max_length=254, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(db_index=True, default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.email


class PasswordReset(QueuedMail):
    """A request to mail a password reset to an address; whether an account has it is looked up by the mailer."""

    mailed_up_to = models.BigIntegerField(default=0)  # accounts are mailed in the order of their ids


class EmailChange(QueuedMail):
    """A user's request to have a mail address."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")


class ConfirmedEmail(models.Model):
    """A mail address that a user has confirmed, with A–Z in lower case.

    It is of no effect while the account has another address, which the staff may have set.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.OneToOneField(User, models.CASCADE, related_name="+")
    address = CollatedCharField(max_length=254, unique=True, rule=BINARY)
    confirmed_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.address


class SearchTerm(models.Model):
    """A term by which search finds a user; see users/search.py and docs/decisions/0002-search-terms.md."""

    pk = models.CompositePrimaryKey("term", "user_id")
    term = CollatedCharField(max_length=TERM_LENGTH, rule=BINARY)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)

    class Meta:
        indexes = [models.Index(fields=["user", "term"], name="users_searchterm_user_term")]

    def __str__(self) -> str:
        return f"{self.term}: {self.user_id}"


class FormerNameQuerySet(models.QuerySet["FormerName"]):
    """Finds reserved names."""

    def reserved(self, *usernames: str) -> "FormerNameQuerySet":
        """Return those of these names, in any case, that are reserved still."""
        names = {folded(username) for username in usernames}
        return self.filter(name__in=names, reserved_until__gt=timezone.now())

    def held_from(self, user_id: int | None, username: str) -> "FormerNameQuerySet":
        """Return the name if it is reserved for another account than this one."""
        return self.reserved(username).exclude(user_id=user_id or 0)


class FormerName(models.Model):
    """A name, folded, that an account has given up or left behind; `user_id` alone may take it before the end."""

    name = CollatedCharField(primary_key=True, max_length=USERNAME_LENGTH, rule=BINARY)
    user_id = models.BigIntegerField(db_index=True)
    reserved_until = models.DateTimeField(db_index=True)

    objects = FormerNameQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} until {self.reserved_until:%Y-%m-%d}"


class Erasure(models.Model):
    """An account that is being deleted, or whose entries in Redis are; see users/erasure.py.

    It outlives the account, so it has no foreign key.
    """

    user_id = models.BigIntegerField(primary_key=True)
    username = models.CharField(max_length=USERNAME_LENGTH)
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    failures = models.PositiveIntegerField(default=0)
    gone_at = models.DateTimeField(null=True, default=None)

    def __str__(self) -> str:
        return f"{self.user_id} since {self.requested_at}"


class SearchIndex(models.Model):
    """How far the terms of all users are those of one version of the rules; see users/reindexing.py."""

    version = models.PositiveIntegerField(primary_key=True)
    done_up_to = models.BigIntegerField(default=0, db_default=0)
    finished_at = models.DateTimeField(null=True, default=None)

    def __str__(self) -> str:
        return f"{self.version}: up to {self.done_up_to}"

"""Logins: their beginning, the rotation of their refresh tokens, and their end (docs/decisions/0013-ending-tokens.md).

A login is one row. Each refresh replaces its refresh token by one guarded UPDATE; a refresh token that comes a second
time was stolen or copied, and ends the login.
"""

import datetime
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import router
from django.db.models.signals import pre_save
from django.utils import timezone
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken

from api import generations
from api.tokens import GENERATION, LOGIN, Claims
from caching.api import atomic_write
from jobs.deletion import in_chunks
from users.edges import referring_write
from users.models import Login, User

CLOCK_SKEW_S = 60  # by which the clocks of servers that issue and verify tokens may differ


class NotHonoured(Exception):
    """The account does not honour this refresh token (any more)."""


def begin(user_id: int, *, generation: int, user_agent: str) -> dict[str, str]:
    """Begin a login; return its tokens {"access", "refresh"}.

    `generation` is the account's as it was when the credentials were checked, so that a login that was overtaken by a
    new password is over from its beginning. Raises User.DoesNotExist for a user who was deleted meanwhile.
    """
    refresh = RefreshToken()
    with referring_write(router.db_for_write(Login), (User, user_id)):
        login = Login.objects.create(
            user_id=user_id,
            user_agent=user_agent[:200],
            refresh_id=refresh[api_settings.JTI_CLAIM],
            generation=generations.refresh_half(generation),
            expires_at=_expiry(refresh),
        )
    return _tokens(refresh, user_id, login.pk, generation)


def refresh(claims: Claims, *, user_agent: str) -> dict[str, str]:
    """Return new tokens for a verified refresh token, which is used up; raise NotHonoured.

    A token that comes a second time ends its login.
    """
    account = User.objects.filter(pk=claims.user_id, is_active=True)
    generation = account.values_list("token_generation", flat=True).first()
    if generation is None or generations.refresh_half(generation) != generations.refresh_half(claims.generation):
        raise NotHonoured
    if not claims.login:  # a token of an earlier release, whose refresh tokens belonged to no login
        return begin(claims.user_id, generation=generation, user_agent=user_agent)
    token = RefreshToken()
    current = Login.objects.filter(
        pk=claims.login, user_id=claims.user_id, generation=generations.refresh_half(generation)
    )
    changes = {"refresh_id": token[api_settings.JTI_CLAIM], "expires_at": _expiry(token)}
    if not current.filter(refresh_id=claims.token_id).update(**changes, last_used_at=timezone.now()):
        end(claims)
        raise NotHonoured
    return _tokens(token, claims.user_id, claims.login, generation)


def end(claims: Claims) -> None:
    """End the login of a verified refresh token: its refresh tokens and its access tokens. May be repeated.

    A token of an earlier release belongs to no login, and ends all logins of a user whose password has not changed
    since.
    """
    with atomic_write(router.db_for_write(User)):
        account = User.objects.filter(pk=claims.user_id)
        found = account.select_for_update().values_list("token_generation", "ended_logins").first()
        if found is None:
            return
        generation, ended_logins = found
        if not claims.login:
            if generations.refresh_half(generation) == generations.refresh_half(claims.generation):
                account.update(**generations.all_ended())
        elif Login.objects.filter(pk=claims.login, user_id=claims.user_id).delete()[0]:
            account.update(**_with_ended(generation, ended_logins, claims.login))


def end_login(login_id: int, *, user_id: int) -> None:
    """End a login of a user: its refresh tokens and its access tokens. May be repeated."""
    end(Claims(user_id, login_id, generation=0, expires_at=0, token_id=""))


def _with_ended(generation: int, ended_logins: str, login: int) -> dict[str, Any]:
    life: datetime.timedelta = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]
    text = generations.with_ended(ended_logins, login, now=time.time(), life_s=life.total_seconds() + CLOCK_SKEW_S)
    if text is None:
        return {"token_generation": generations.next_access_generation(generation), "ended_logins": ""}
    return {"ended_logins": text}


def watch_loaded_accounts() -> None:
    """Let fixtures end tokens like any other write: `loaddata` passes by User.save_base()."""
    pre_save.connect(_before_save, sender=User, dispatch_uid="users.logins")


def _before_save(*, instance: User, raw: bool, using: str, **_: Any) -> None:
    if raw:
        instance.follow_tokens(using, None)


def sweep_expired() -> Iterator[int]:
    """Delete the logins that have expired, in chunks. Registered with jobs.deletion."""
    return in_chunks(Login.objects.filter(expires_at__lt=timezone.now()))


def delete_logins_of(user_id: int) -> Iterator[int]:
    """Delete a user's logins, in chunks. Registered with users.deletion_hooks."""
    return in_chunks(Login.objects.filter(user_id=user_id))


def _tokens(refresh: RefreshToken, user_id: int, login: int, generation: int) -> dict[str, str]:
    refresh[api_settings.USER_ID_CLAIM] = str(user_id)
    refresh[LOGIN], refresh[GENERATION] = login, generation
    return {"access": str(refresh.access_token), "refresh": str(refresh)}  # which has the same claims


def _expiry(refresh: RefreshToken) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(refresh["exp"], tz=datetime.UTC)

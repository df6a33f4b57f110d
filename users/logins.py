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
from django.db.models import QuerySet
from django.db.models.signals import pre_save
from django.utils import timezone
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken

from api import generations
from api.tokens import GENERATION, LOGIN, Claims
from caching.api import atomic_write
from jobs.deletion import in_chunks
from users.edges import referring_write
from users.models import AGENT_LENGTH, Login, User

ENDED = -1  # the generation of a login that was ended; its row stays until it expires, so that this may be repeated
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
            user_agent=_readable(user_agent),
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


def open_logins(user_id: int, generation: int) -> QuerySet[Login]:
    """Return the logins of an account with this generation of tokens that are not over, the last used one first."""
    half = generations.refresh_half(generation)
    current = Login.objects.filter(user_id=user_id, generation=half, expires_at__gt=timezone.now())
    return current.order_by("-last_used_at", "-pk")


def is_open(login: Login, generation: int) -> bool:
    """Return whether a login of an account with this generation of tokens is not over."""
    return login.generation == generations.refresh_half(generation) and login.expires_at > timezone.now()


def end(claims: Claims) -> None:
    """End the login of a verified refresh token: its refresh tokens and its access tokens. May be repeated.

    A token of an earlier release belongs to no login, and ends all logins of a user whose password has not changed
    since.
    """
    if claims.login:
        end_login(claims.user_id, claims.login)
        return
    with atomic_write(router.db_for_write(User)):
        account = User.objects.filter(pk=claims.user_id)
        generation = account.select_for_update().values_list("token_generation", flat=True).first()
        if generation is None or generations.refresh_half(generation) != generations.refresh_half(claims.generation):
            return
        account.update(**generations.all_ended())


def end_login(user_id: int, login_id: int) -> bool:
    """End a login: its refresh tokens and its access tokens. May be repeated; return whether the user has such one."""
    login = Login.objects.filter(pk=login_id, user_id=user_id)
    with atomic_write(router.db_for_write(User)):
        account = User.objects.filter(pk=user_id)
        found = account.select_for_update().values_list("token_generation", "ended_logins").first()
        if found is not None and login.exclude(generation=ENDED).update(generation=ENDED):
            account.update(**_with_ended(*found, login_id))
            return True
        return login.exists()


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
    return in_chunks(Login.objects.filter(user_id=user_id), by="pk")


def _readable(user_agent: str) -> str:
    """Return a header, whose bytes servers give as Latin-1, without what cannot be seen, and cut."""
    text = user_agent.encode("latin-1", "replace").decode("utf-8", "replace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:AGENT_LENGTH]


def _tokens(refresh: RefreshToken, user_id: int, login: int, generation: int) -> dict[str, str]:
    refresh[api_settings.USER_ID_CLAIM] = str(user_id)
    refresh[LOGIN], refresh[GENERATION] = login, generation
    return {"access": str(refresh.access_token), "refresh": str(refresh)}  # which has the same claims


def _expiry(refresh: RefreshToken) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(refresh["exp"], tz=datetime.UTC)

"""Identification of the caller by the access token, without a database query."""

import time
from functools import lru_cache

from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, Token

from api.ids import is_id
from api.problems import Problem

CACHED_TOKENS = 50_000  # about half a kilobyte each


def caller_id(authorization: str) -> int:
    """Return the user id of a "Bearer …" header; raise the 401 for a bad token. The user may be inactive."""
    user_id, expires_at = _verified(authorization)
    if expires_at <= time.time():
        raise _invalid()
    return user_id


def user_id_of(token: Token) -> int:
    """Return the user id in a token; raise the 401 if it has none."""
    text = str(token.get(api_settings.USER_ID_CLAIM, ""))
    if not is_id(text):
        raise _invalid()
    return int(text)


@lru_cache(maxsize=CACHED_TOKENS)
def _verified(authorization: str) -> tuple[int, int]:
    """Return (user id, expiry in Unix seconds). Cached, because a valid signature remains valid."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "not_authenticated", "Send an access token: Authorization: Bearer <access>.")
    try:
        access = AccessToken(token)  # type: ignore[arg-type]
    except TokenError:
        raise _invalid() from None
    return user_id_of(access), access["exp"]


def _invalid() -> Problem:
    return Problem(401, "token_not_valid", "The access token is not valid or has expired; refresh it or log in again.")

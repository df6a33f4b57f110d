"""Who is calling, by the access token alone."""

import time
from functools import lru_cache

from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, Token

from api.ids import is_id
from api.problems import Problem

REMEMBERED = 50_000  # tokens, of about half a kilobyte each


def caller_id(authorization: str) -> int:
    """The user id in a valid "Bearer …"; 401 otherwise. Whether the user is active is for the row."""
    user_id, expires_at = _verified(authorization)
    if expires_at <= time.time():
        raise _refused()
    return user_id


def user_id_of(token: Token) -> int:
    text = str(token.get(api_settings.USER_ID_CLAIM, ""))
    if not is_id(text):
        raise _refused()
    return int(text)


@lru_cache(maxsize=REMEMBERED)
def _verified(authorization: str) -> tuple[int, int]:
    """(user id, expiry in Unix seconds). A signature, once good, stays good, so it is checked once per process."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "not_authenticated", "Send an access token: Authorization: Bearer <access>.")
    try:
        access = AccessToken(token)
    except TokenError:
        raise _refused() from None
    return user_id_of(access), access["exp"]


def _refused() -> Problem:
    return Problem(401, "token_not_valid", "The access token is not valid or has expired; refresh it or log in again.")

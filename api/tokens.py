"""Verification of access and refresh tokens, without a database query: the signature, the type and every claim.

Whether the account still honours a token is for its row to tell: see api.views.Admission and users.logins.
"""

import time
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from api.ids import LARGEST, is_id
from api.problems import Problem

CACHED_TOKENS = 50_000  # about half a kilobyte each
LOGIN, GENERATION = "login", "generation"  # claims; tokens of releases before 0.2 have neither


class Claims(NamedTuple):
    """What a verified token says: the user, the login (0: none), the generation of tokens, and when it expires.

    `expires_at` is in Unix seconds; `token_id` tells the refresh tokens of a login apart.
    """

    user_id: int
    login: int
    generation: int
    expires_at: int
    token_id: str


def caller(authorization: str) -> Claims:
    """Return the claims of a "Bearer …" header; raise the 401 for a bad token. The user may be inactive."""
    claims = _verified(authorization)
    if claims.expires_at <= time.time():
        raise access_not_valid()
    return claims


def refresh_claims(text: str) -> Claims | None:
    """Return the claims of a refresh token; None if it is not valid or has expired."""
    claims = _claims(RefreshToken, text)
    return None if claims is None or claims.expires_at <= time.time() else claims


@lru_cache(maxsize=CACHED_TOKENS)
def _verified(authorization: str) -> Claims:
    """Return the claims of a header. Cached, because a valid signature remains valid."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "not_authenticated", "Send an access token: Authorization: Bearer <access>.")
    claims = _claims(AccessToken, token)
    if claims is None:
        raise access_not_valid()
    return claims


def _claims(kind: type[Token], text: str) -> Claims | None:
    token = _token(kind, text)
    if token is None:
        return None
    user_id = str(token.get(api_settings.USER_ID_CLAIM, ""))
    login, generation = token.get(LOGIN, 0), token.get(GENERATION, 0)
    times = [token.get(name, 0) for name in ("exp", "iat", "nbf")]
    if not is_id(user_id) or not all(map(_is_number, (login, generation, *times))) or (LOGIN in token and not login):
        return None
    return Claims(int(user_id), login, generation, token["exp"], token[api_settings.JTI_CLAIM])


def _token(kind: type[Token], text: str) -> Token | None:
    for accepted in (kind, *(_signed_by(kind, key) for key in settings.SECRET_KEY_FALLBACKS)):
        # The libraries compute with claims before they check their types.
        with suppress(TokenError, ArithmeticError, LookupError, OSError, TypeError, ValueError, RecursionError):
            return accepted(text)  # type: ignore[arg-type]
    return None


def _signed_by(kind: type[Token], key: str) -> type[Token]:
    """Return the kind of tokens that a former or future secret key has signed."""
    return type(kind.__name__, (kind,), {"get_token_backend": lambda _: _backend(key)})


@cache
def _backend(key: str) -> TokenBackend:
    return TokenBackend(api_settings.ALGORITHM, signing_key=key, leeway=api_settings.LEEWAY)


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST


def access_not_valid() -> Problem:
    """Return the 401 for an access token that is forged, expired, or not honoured any more."""
    return Problem(401, "token_not_valid", "The access token is not valid or has expired; refresh it or log in again.")

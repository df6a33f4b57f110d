"""Changes of passwords by their owners: with the old password, or with a token that was mailed to them.

Every change ends all tokens of the account, in its own transaction; see users.managers.UserQuerySet.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import router
from django.template.loader import render_to_string

from api import generations
from caching.api import atomic_write
from users import logins
from users.models import User

SALT = "users.password_changes"
SUBJECT = "Set a new password"


class WrongPassword(Exception):
    """The old password is not the account's."""


class BadToken(Exception):
    """The token of a reset was not issued here, has expired, was used, or belongs to an account that is deactivated."""


class WeakPassword(Exception):
    """The password validators refuse the password, for the reasons in `messages`."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(*messages)
        self.messages = messages


def check_strength(password: str, user: User) -> None:
    """Raise WeakPassword if the validators of the settings refuse the password for this user."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(error.messages) from None


def change_password(user_id: int, *, old: str, new: str, user_agent: str) -> dict[str, str]:
    """Set a new password, and return the tokens of a new login, the only one left.

    Raises User.DoesNotExist, WeakPassword and WrongPassword.
    """
    user = User.objects.get(pk=user_id)
    check_strength(new, user)
    if not user.check_password(old):
        raise WrongPassword
    ended = generations.all_ended()
    with atomic_write(router.db_for_write(User)):
        if not _replace(user, new_hash=make_password(new), ended=ended):
            raise WrongPassword
        return logins.begin(user_id, generation=ended["token_generation"], user_agent=user_agent)


def reset_password(text: str, *, password: str) -> User:
    """Set a new password by the token of a reset, which is valid once; return the user.

    Raises BadToken and WeakPassword.
    """
    user = _user_of(text)
    check_strength(password, user)
    if not _replace(user, new_hash=make_password(password), ended=generations.all_ended()):
        raise BadToken
    return user


def mail_reset(user: User) -> None:
    """Mail a reset token to the stored address of an account; raise OSError if the mail server does not take it."""
    context = {"user": user, "token": _reset_token(user), "minutes": settings.PASSWORD_RESET_TIMEOUT // 60}
    body = render_to_string("users/password_reset.txt", context)
    send_mail(SUBJECT, body, None, [user.email])


def _replace(user: User, *, new_hash: str, ended: dict[str, Any]) -> int:
    """Replace the password hash, unless it was replaced since the user was read, or the account was deactivated."""
    unchanged = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
    return unchanged.update(password=new_hash, **ended)


def _reset_token(user: User) -> str:
    # The generation, because a token that was mailed before an account was deactivated must not outlive that.
    generation = generations.refresh_half(user.token_generation)
    return signing.dumps([user.pk, generation, default_token_generator.make_token(user)], salt=SALT)


def _user_of(text: str) -> User:
    try:
        user_id, generation, token = signing.loads(text, salt=SALT)
        user = User.objects.get(pk=user_id, is_active=True)
    except (signing.BadSignature, ValueError, TypeError, User.DoesNotExist):  # or another release's form of it
        raise BadToken from None
    if generations.refresh_half(user.token_generation) != generation or not default_token_generator.check_token(
        user, token
    ):
        raise BadToken
    return user

"""Mail addresses of accounts: asked for with the password, and set when the token in a mail to them comes back.

An address that one account has confirmed, and still has, cannot be confirmed by another. Addresses from before, and
those that the staff has set, are not confirmed: several accounts may have one.
"""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.db import IntegrityError, router
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from api import generations
from caching.api import atomic_write, is_passing
from jobs.deletion import in_chunks
from users.edges import referring_write
from users.mail_queue import MailQueue, send_unless_refused
from users.managers import ascii_lower
from users.models import ConfirmedEmail, EmailChange, User
from users.password_changes import BadToken, WrongPassword

SALT = "users.emails"


def require_password(user_id: int, password: str) -> None:
    """Raise WrongPassword unless it is the account's; raise User.DoesNotExist."""
    if not User.objects.get(pk=user_id).check_password(password):
        raise WrongPassword


def request_change(user_id: int, email: str) -> None:
    """Have a token mailed to an address that a user wants to have; raise User.DoesNotExist."""
    with referring_write(router.db_for_write(EmailChange), (User, user_id)):
        EmailChange.objects.create(user_id=user_id, email=email)


def confirm(text: str) -> User:
    """Give an account the address to which a token was mailed; return the account.

    Raises BadToken for a token that was not issued here, has expired or was used, if the password or the address was
    changed since, and if another account has confirmed the address.
    """
    try:
        user_id, email, state = signing.loads(text, salt=SALT, max_age=settings.EMAIL_CONFIRM_TIMEOUT)
        with atomic_write(router.db_for_write(User)):
            user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
            if user is None or not _is_current(state, user):
                raise BadToken
            _claim(email, user)
            changed: User = User.objects.update_one(user_id, email=email)
            return changed
    except signing.BadSignature:
        raise BadToken from None
    except IntegrityError as error:
        if is_passing(error):
            raise  # a table is being changed
        raise BadToken from None  # another account was faster


def accounts_of(email: str) -> list[User]:
    """Return the active accounts with a password to which resets for an address are mailed.

    That is the account that has confirmed it; if there is none, the oldest of those that have it.
    """
    address = ascii_lower(email)
    holder = ConfirmedEmail.objects.filter(address=address).select_related("user").first()
    if holder is None or not _has(holder.user, address):
        found: list[User] = User.objects.having_email(email)
        return found
    return [holder.user] if holder.user.is_active and holder.user.has_usable_password() else []


def delete_rows_of(user_id: int) -> Iterator[int]:
    """Delete what a user has confirmed and asked for, in chunks. Registered with users.deletion_hooks."""
    for model in (EmailChange, ConfirmedEmail):
        yield from in_chunks(model.objects.filter(user_id=user_id))


def _is_current(state: str, user: User) -> bool:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(state, _state(user, key)) for key in keys)


def _state(user: User, key: str) -> str:
    """Return a text that changes with the account's password, its address, and each confirmation."""
    confirmed = ConfirmedEmail.objects.filter(user=user).values_list("confirmed_at", flat=True).first()
    parts = (generations.refresh_half(user.token_generation), user.email, confirmed)
    return salted_hmac(SALT, "\n".join(map(str, parts)), secret=key, algorithm="sha256").hexdigest()


def _claim(email: str, user: User) -> None:
    """Record that a user has confirmed an address, as the only one.

    Of a record, the time of its confirmation is its version: who has lost a race finds another one.
    """
    address, now = ascii_lower(email), timezone.now()
    ConfirmedEmail.objects.filter(user=user).exclude(address=address).delete()
    holder = ConfirmedEmail.objects.filter(address=address).select_related("user").first()
    if holder is None:
        ConfirmedEmail.objects.create(user=user, address=address, confirmed_at=now)
        return
    unchanged = ConfirmedEmail.objects.filter(pk=holder.pk, user=holder.user_id, confirmed_at=holder.confirmed_at)
    is_anothers = holder.user_id != user.pk and _has(holder.user, address)
    if is_anothers or not unchanged.update(user=user, confirmed_at=now):
        raise BadToken


def _has(user: User, address: str) -> bool:
    return ascii_lower(user.email) == address


def _mail(request: EmailChange) -> None:
    user = User.objects.filter(pk=request.user_id, is_active=True).first()
    if user is None:
        return
    address = ascii_lower(request.email)
    others = ConfirmedEmail.objects.filter(address=address).exclude(user=user).select_related("user")
    taken = next((each.user for each in others if _has(each.user, address)), None)
    context: dict[str, Any] = {"user": taken or user, "hours": settings.EMAIL_CONFIRM_TIMEOUT // 3600}
    if taken is None:
        context["token"] = signing.dumps([user.pk, request.email, _state(user, settings.SECRET_KEY)], salt=SALT)
    body = render_to_string("users/email_confirmation.txt", context)
    send_unless_refused(lambda: send_mail("Confirm your mail address", body, None, [request.email]), user.pk)


changes = MailQueue(EmailChange, "The confirmation of a mail address", "EMAIL_CONFIRM_TIMEOUT", _mail)

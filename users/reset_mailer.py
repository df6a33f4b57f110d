"""Password resets that were asked for: rows that a request inserts without looking anybody up, and a command works off.

So the answer and its time do not depend on whether an account has the address, or on the mail server.
"""

import logging
from datetime import timedelta
from smtplib import SMTPRecipientsRefused

from django.conf import settings
from django.utils import timezone

from users import password_changes
from users.models import PasswordReset, User

FIRST_RETRY_S, LAST_RETRY_S = 5, 300
NEVER = 500  # SMTP: replies from here on are permanent
logger = logging.getLogger(__name__)


def request_reset(email: str) -> None:
    """Record that a reset of the accounts with a mail address was asked for."""
    PasswordReset.objects.create(email=email)


def work_off_one() -> bool | None:
    """Work off the request that is due first; return whether it is done, None if none was due.

    Several processes may do so at once. A request that a killed process had claimed is due again after a while, so a
    mail may come twice.
    """
    now = timezone.now()
    due = PasswordReset.objects.filter(due_at__lte=now).order_by("due_at").first()
    if due is None:
        return None
    retry_s = min(FIRST_RETRY_S * 2**due.attempts, LAST_RETRY_S)
    claimed = {"attempts": due.attempts + 1, "due_at": now + timedelta(seconds=retry_s)}
    if not PasswordReset.objects.filter(pk=due.pk, attempts=due.attempts).update(**claimed):
        return True  # by another process
    is_done = _is_too_old(due) or _mail(due)
    if is_done:
        due.delete()
    return is_done


def _is_too_old(request: PasswordReset) -> bool:
    """Return whether nobody waits for the mail any more: a token would have expired by now."""
    return timezone.now() - request.created_at > timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)


def _mail(request: PasswordReset) -> bool:
    if not settings.EMAIL_URL:
        logger.error("A password reset was asked for, and cannot be mailed: set EMAIL_URL.")
        return True
    try:
        for user in User.objects.having_email(request.email):
            if user.pk > request.mailed_up_to:
                _mail_one(user)
                request.mailed_up_to = user.pk
    except (OSError, ValueError) as error:  # smtplib's exceptions among them; an address that makes no header
        logger.warning("The mail server did not take a mail, which is tried again later: %s", error)
        request.save(update_fields=["mailed_up_to"])
        return False
    return True


def _mail_one(user: User) -> None:
    try:
        password_changes.mail_reset(user)
    except SMTPRecipientsRefused as error:
        if any(code < NEVER for code, _ in error.recipients.values()):
            raise
        logger.warning("The mail server refuses the address of user %d for good.", user.pk)

"""Password resets that were asked for: see users.mail_queue."""

from functools import partial

from users import emails, password_changes
from users.mail_queue import MailQueue, send_unless_refused
from users.models import PasswordReset


def request_reset(email: str) -> None:
    """Record that a reset of the accounts with a mail address was asked for."""
    PasswordReset.objects.create(email=email)


def _mail(request: PasswordReset) -> None:
    try:
        for user in emails.accounts_of(request.email):
            if user.pk > request.mailed_up_to:
                send_unless_refused(partial(password_changes.mail_reset, user), user.pk)
                request.mailed_up_to = user.pk
    except (OSError, ValueError):
        request.save(update_fields=["mailed_up_to"])
        raise


resets = MailQueue(PasswordReset, "A password reset", "PASSWORD_RESET_TIMEOUT", _mail)

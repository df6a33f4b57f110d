"""Mails that were asked for: rows that a request inserts, and a command works off.

A request only inserts, whoever has the address, so its answer and its time depend neither on that nor on the mail
server.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import timezone

FIRST_RETRY_S, LAST_RETRY_S = 5, 300
NEVER = 500  # SMTP: replies from here on are permanent
logger = logging.getLogger(__name__)


class MailQueue(NamedTuple):
    """The rows of a subclass of users.models.QueuedMail; `send` mails one, and may raise OSError or ValueError.

    Nobody waits for a mail that is older than the seconds of the setting `life`: its token would have expired.
    """

    model: Any
    what: str
    life: str
    send: Callable[[Any], None]

    def work_off_one(self) -> bool | None:
        """Work off the row that is due first; return whether it is done, None if none was due.

        Several processes may do so at once. A row that a killed process had claimed is due again after a while, so a
        mail may come twice.
        """
        now = timezone.now()
        due = self.model.objects.filter(due_at__lte=now).order_by("due_at").first()
        if due is None:
            return None
        retry_s = min(FIRST_RETRY_S * 2**due.attempts, LAST_RETRY_S)
        claimed = {"attempts": due.attempts + 1, "due_at": now + timedelta(seconds=retry_s)}
        if not self.model.objects.filter(pk=due.pk, attempts=due.attempts).update(**claimed):
            return True  # by another process
        is_too_old = now - due.created_at > timedelta(seconds=getattr(settings, self.life))
        is_done = is_too_old or self._is_sent(due)
        if is_done:
            due.delete()
        return is_done

    def _is_sent(self, row: Any) -> bool:
        if not settings.EMAIL_URL:
            logger.error("%s was asked for, and cannot be mailed: set EMAIL_URL.", self.what)
            return True
        try:
            self.send(row)
        except (OSError, ValueError) as error:  # smtplib's exceptions among them; an address that makes no header
            logger.warning("The mail server did not take a mail, which is tried again later: %s", error)
            return False
        return True


def send_unless_refused(send: Callable[[], object], user_id: int) -> None:
    """Send a mail to a user; log it if the mail server refuses the address for good, instead of raising."""
    try:
        send()
    except SMTPRecipientsRefused as error:
        if any(code < NEVER for code, _ in error.recipients.values()):
            raise
        logger.warning("The mail server refuses the address of user %d for good.", user_id)

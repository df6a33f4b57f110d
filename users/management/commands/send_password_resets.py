"""manage.py send_password_resets: mail the password resets, and the confirmations of addresses, that were asked for."""

from caching.management.polling import PollingCommand
from users import emails, reset_mailer

QUEUES = (reset_mailer.resets, emails.changes)


class Command(PollingCommand):
    """Command `send_password_resets`: mails the tokens of password resets, and of new mail addresses."""

    help = (
        "Mail the password resets and the confirmations of new addresses that were asked for, every second until "
        "stopped; with --once, do it now and exit. "
        "While the mail server is down, requests are tried again, until their tokens would have expired."
    )
    incomplete = "Nothing is lost, but not everything is mailed"
    waiting = "Mails wait"

    def finish(self) -> str:
        done = later = 0
        for queue in QUEUES:
            while (is_done := queue.work_off_one()) is not None:
                done, later = done + is_done, later + (not is_done)
        return f"{done} mails worked off, {later} to be tried again later."

    def step(self) -> bool:
        done = [queue.work_off_one() for queue in QUEUES]
        return any(done)

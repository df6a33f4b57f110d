"""manage.py send_password_resets: mail the password resets that were asked for."""

from caching.management.polling import PollingCommand
from users import reset_mailer


class Command(PollingCommand):
    """Command `send_password_resets`: mails a token to each account with the address of a request."""

    help = (
        "Mail the password resets that were asked for, every second until stopped; with --once, do it now and exit. "
        "While the mail server is down, requests are tried again, until their tokens would have expired."
    )
    incomplete = "Nothing is lost, but not everything is mailed"
    waiting = "Password resets wait"

    def finish(self) -> str:
        done = later = 0
        while (is_done := reset_mailer.work_off_one()) is not None:
            done, later = done + is_done, later + (not is_done)
        return f"{done} password resets worked off, {later} to be tried again later."

    def step(self) -> bool:
        return bool(reset_mailer.work_off_one())

"""manage.py send_password_resets: mail the password resets, and the confirmations of addresses, that were asked for."""

from caching.management.polling import PollingCommand
from users import mailer


class Command(PollingCommand):
    """Command `send_password_resets`: mails the tokens of password resets, and of new mail addresses."""

    help = (
        "Mail the password resets and the confirmations of new addresses that were asked for, every second until "
        "stopped; with --once, do it now and exit. "
        "While the mail server is down, requests are tried again, until their tokens would have expired."
    )
    job = "mails"
    incomplete = "Nothing is lost, but not everything is mailed"

    def finish(self) -> str:
        done, later = mailer.finish()
        return f"{done} mails worked off, {later} to be tried again later."

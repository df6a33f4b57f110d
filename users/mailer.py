"""The mails that were asked for, of all queues: see users.mail_queue."""

from jobs.api import Waiting, waiting_rows
from users import emails, reset_mailer

QUEUES = (reset_mailer.resets, emails.changes)


def step() -> bool:
    """Work off a row of each queue; return whether any was due."""
    done = [queue.work_off_one() for queue in QUEUES]
    return any(done)


def finish() -> tuple[int, int]:
    """Work off all rows that are due; return how many are done, and how many are to be tried again later."""
    done = later = 0
    for queue in QUEUES:
        while (is_done := queue.work_off_one()) is not None:
            done, later = done + is_done, later + (not is_done)
    return done, later


def waiting() -> Waiting:
    """Return how many mails are still to be sent, and since when the oldest was asked for."""
    found = [waiting_rows(queue.model.objects.all(), "created_at") for queue in QUEUES]
    return Waiting(sum(each.number for each in found), min((each.since for each in found if each.since), default=None))

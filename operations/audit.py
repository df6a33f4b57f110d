"""What operators have done: entries in Django's log, which the admin lists with its filters."""

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet

from operations.access import Operator
from operations.models import Status

SHOWN = 50
LONGEST_NAME, LONGEST_TEXT = 200, 1_000


def begin(operator: Operator, what: str) -> int:
    """Write who begins to do what, and return the id of the entry; raises django.db.Error, so that nothing is done that
    cannot be written down."""
    entry = LogEntry.objects.create(
        user_id=operator.user_id, content_type=_content_type(), object_id="", action_flag=CHANGE,
        object_repr=what[:LONGEST_NAME], change_message="Begun.",
    )  # fmt: skip
    return int(entry.pk)


def note(entry_id: int, outcome: str) -> None:
    """Write into an entry what has come of it so far."""
    LogEntry.objects.filter(pk=entry_id, content_type=_content_type()).update(change_message=outcome[:LONGEST_TEXT])


def entries(*, by: str = "", of: str = "") -> QuerySet[Any]:
    """Return the newest SHOWN entries, of one username, and of actions whose words begin with `of`."""
    found = LogEntry.objects.filter(content_type=_content_type()).order_by("-pk")
    found = found.filter(user__username=by) if by else found
    found = found.filter(object_repr__startswith=of) if of else found
    return found.select_related("user")[:SHOWN]


def _content_type() -> ContentType:
    return ContentType.objects.get_for_model(Status)

"""The base of all admin classes: actions leave entries in the log, and nothing in an address or a form is a 500."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import wraps
from typing import Any, ClassVar, NamedTuple, cast

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import BadRequest
from django.db import models, router, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from api.ids import is_id

MOST_SELECTED = 1_000  # rows that one action changes, each of which gets an entry
FILTERED = ("", "__exact", "__isnull")  # what Django's filters of a column add to its name
Action = Callable[[Any, HttpRequest, QuerySet], Any]


class Change(NamedTuple):
    """The outcome of an action: the rows that it changed, what the log says of each, and the message to the staff."""

    rows: Sequence[models.Model]
    entry: str
    message: str


class ActionRefused(Exception):
    """Raised by an action that changes nothing, with the sentence for the staff."""


class AuditedAdmin(admin.ModelAdmin):
    """An admin class whose actions return a Change, which is written to the log.

    An action that needs the permission to view alone changes nothing and returns None. Any other action that returns
    neither a Change nor a page is an error, so that none is forgotten.
    """

    deletes_in_one_transaction: ClassVar[bool] = True

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the actions of the list page, each of which is logged."""
        actions: dict[str, Any] = super().get_actions(request)
        return {name: (_audited(action), *rest) for name, (action, *rest) in actions.items()}

    def selected(self, queryset: QuerySet, most: int = MOST_SELECTED) -> list[Any]:
        """Return the rows that an action is for; raise ActionRefused if there are more than `most`."""
        rows = list(queryset[: most + 1])
        if len(rows) > most:
            raise ActionRefused(f"Select at most {most:,} rows.")
        return rows

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Return whether the address of a list may filter by a lookup: by those alone that the list offers."""
        filters = self.list_filter if request is None else self.get_list_filter(request)
        return lookup in {name for each in filters for name in _lookups(each)}

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row of a page, or None; raise the 404 of a text that cannot be a primary key."""
        if not is_id(object_id):  # a database might not take it
            raise Http404(f"{object_id!r} is no id.")
        return super().get_object(request, object_id, from_field)

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        """Answer the form of a row; 400 for a chosen row whose number is too large for the database."""
        try:
            return super().changeform_view(request, *args, **options)
        except OverflowError:
            raise BadRequest("A number is too large.") from None

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Answer the list page; 400 for selected rows whose primary keys cannot be any."""
        if not all(map(is_id, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            raise BadRequest("A selected row has a malformed primary key.")
        if ERROR_FLAG in request.GET:  # Django has left out all filters
            self.message_user(request, "A filter is not understood: this is the whole list.", messages.WARNING)
        return super().changelist_view(request, extra_context)


def _lookups(list_filter: Any) -> Iterator[str]:
    parameter = getattr(list_filter, "parameter_name", None)
    if parameter is not None:
        yield parameter
    else:
        yield from (f"{list_filter}{suffix}" for suffix in FILTERED)


def _audited(action: Action) -> Action:
    is_deletion = action is delete_selected  # it writes its own entries, before it deletes
    only_reads = list(getattr(action, "allowed_permissions", ())) == ["view"]

    @wraps(action)
    def run(model_admin: AuditedAdmin, request: HttpRequest, queryset: QuerySet) -> Any:
        one_transaction = is_deletion and model_admin.deletes_in_one_transaction
        try:
            with transaction.atomic(router.db_for_write(queryset.model)) if one_transaction else nullcontext():
                outcome = action(model_admin, request, queryset)
        except ActionRefused as refusal:
            return model_admin.message_user(request, str(refusal), messages.WARNING)
        if isinstance(outcome, Change):
            return _record(model_admin, request, outcome)
        if outcome is None and not (is_deletion or only_reads):
            raise TypeError(f"The action {action.__name__} of {model_admin} has to return a Change.")
        return outcome

    return run


def _record(model_admin: AuditedAdmin, request: HttpRequest, change: Change) -> None:
    """Write an entry for each changed row, by the one who ran the action, and show the message."""
    count, actor_id = len(change.rows), cast(int, request.user.pk)
    text = change.entry if count == 1 else f"{change.entry} One of {count:,} in one action."
    if count:
        LogEntry.objects.log_actions(actor_id, change.rows, CHANGE, text)
    model_admin.message_user(request, change.message, messages.SUCCESS)

"""Pages on which something is done: what will happen, then how far it is; and the list of what was done."""

from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_http_methods

from operations import actions, audit, kinds
from operations.access import Operator
from operations.doing import BadState, carry_out
from operations.sources import Call, ask
from operations.views import show


@require_http_methods(["GET", "HEAD", "POST"])
def do(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Answer a GET by what will happen, and a POST by doing it, or its next step."""
    given = request.POST if request.method == "POST" else request.GET
    action = _action(given)
    outcome = None
    if request.method == "POST":
        try:
            outcome = carry_out(action, operator, given.get("state", ""))
        except BadState as error:
            raise BadRequest(str(error)) from None
    fields = [(name, given[name]) for name in ("words", "verb", "many") if name in given]
    return show(
        request, operator, "do", "Confirm", action=action, outcome=outcome, fields=fields, words=given.get("words", "")
    )


def log(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Answer the list of who did what, filtered by `?by=` (a username) and `?of=` (how the action begins)."""
    by, of = (request.GET.get(name, "").replace("\0", "")[:200] for name in ("by", "of"))
    answer = ask(f"log {by} {of}", Call("database", lambda: list(audit.entries(by=by, of=of))))
    return show(request, operator, "log", "What was done", answer=answer, by=by, of=of, verbs=actions.VERBS)


def _action(given: QueryDict) -> actions.Action:
    """Return the action that a request names; raises Http404 for one that there is not."""
    try:
        if "many" in given:
            return actions.of_many()[str(given["many"])]
        (asked,) = kinds.understood(given.get("words", ""))
        asked.question()
        return actions.of_entry(asked)[given.get("verb", "")]
    except (KeyError, ValueError, ValidationError):
        raise Http404("There is no such action.") from None

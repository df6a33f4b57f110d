"""The operator's page, and the parts of it that are fetched again every few seconds."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from metrics import drift as findings
from operations import actions, curves, drift, health, history, kinds, lookup, routes
from operations.access import Operator
from operations.sources import Call, gather

LONGEST_WORDS = 300


def page(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Answer the page: how everything is now, and where `?words=` asks for an entry, that entry."""
    return show(
        request,
        operator,
        "page",
        "Operations",
        many=actions.of_many(),
        **_now(),
        **_entry(request.GET.get("words", "")),
    )


def now(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Answer the part of the page that tells how everything is now."""
    return show(request, operator, "now", "", **_now())


def show(request: HttpRequest, operator: Operator, template: str, title: str, **context: Any) -> HttpResponse:
    """Return a template of the admin, with nothing in its context that would ask the database."""
    frame = {
        "title": title, "operator": operator, "user": operator, "has_permission": False, "messages": (),
        "is_nav_sidebar_enabled": False, "available_apps": (), "perms": (),
        "site_header": admin.site.site_header, "site_title": admin.site.site_title, "site_url": None,
    }  # fmt: skip
    return render(request, f"admin/operations/{template}.html", frame | context)


def _now() -> dict[str, Any]:
    answers = gather({**health.CALLS, "history": Call("redis", history.buckets), "drift": Call("redis", findings.read)})
    buckets = answers["history"].value or ()
    drawn = {"curves": curves.curves(buckets), "routes": routes.slowest(buckets), "history": answers["history"]}
    return {"tables": health.rows(answers), "drift": drift.panel(answers["drift"]), "at": timezone.now(), **drawn}


def _entry(words: str) -> dict[str, Any]:
    """Return the context of an entry that is asked for: the entry, those that may be meant, or what is wrong."""
    context: dict[str, Any] = {"words": words[:LONGEST_WORDS], "kinds": _forms()}
    if not words:
        return context
    try:
        meant = kinds.understood(words[:LONGEST_WORDS])
        if len(meant) > 1:
            return context | {"meant": meant}
        return context | {"entry": lookup.look_up(meant[0]), "verbs": list(actions.of_entry(meant[0]))}
    except (kinds.NotUnderstood, ValueError) as error:
        return context | {"problem": str(error)}
    except ValidationError as error:
        return context | {"problem": " ".join(error.messages)}


def _forms() -> list[str]:
    return [kinds.in_words(kind, *(f"<{name}>" for name in kind.parameters)) for kind in kinds.all_kinds().values()]

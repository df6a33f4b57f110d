"""The admin's pages beyond lists and forms, for staff with the permission to view popups."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from caching.api import Unavailable
from popups import layouts, rules, versions
from popups.admin import charts, statistics
from popups.admin.dry_run import MAX_POPUPS, run
from popups.config.compile import ClientContext
from popups.events import stream
from popups.models import Popup
from users.models import User

PERIODS = (7, 30, 90)
_for_viewers = permission_required("popups.view_popup", raise_exception=True)


def validate_slug(text: str) -> None:
    """Raise ValidationError for a text that can name neither a placement nor a platform."""
    if not rules.is_slug(text):
        raise forms.ValidationError("This is a word of letters, digits, dashes and underscores.")


class DryRunForm(forms.Form):
    """The user and the client of a dry run; cleaned into a User, two slugs and a parsed version."""

    user = forms.CharField(max_length=64, help_text="An id or a whole username.")
    placement = forms.CharField(max_length=rules.SLUG_LENGTH, initial="home", validators=[validate_slug])
    platform = forms.CharField(max_length=rules.SLUG_LENGTH, required=False, initial="ios", validators=[validate_slug])
    app_version = forms.CharField(
        max_length=versions.LONGEST, required=False, help_text="Such as 3.2.0, or as the build is called: 3.2.0 (42)."
    )

    def clean_user(self) -> User:
        """Return the user with this id or username."""
        ids = User.objects.ids_named(self.cleaned_data["user"])
        users = User.objects.in_bulk(ids)
        user = next((users[user_id] for user_id in ids if user_id in users), None)
        if user is None:
            raise forms.ValidationError("There is no such user.")
        return user

    def clean_app_version(self) -> versions.Version | None:
        """Return the version; a typing error is told, though the API takes it as no version."""
        text = self.cleaned_data["app_version"]
        version = versions.parse_version(text)
        if text and version is None:
            raise forms.ValidationError("A version is 1 to 4 numbers with dots between, such as 3.2.0 or 3.2.0-beta.")
        return version

    def client_context(self) -> ClientContext:
        """Return the client that a valid form describes."""
        given = self.cleaned_data
        return ClientContext(given["placement"].lower(), given["platform"].lower(), given["app_version"])


@_for_viewers
def dry_run(request: HttpRequest) -> HttpResponse:
    """The popup that a user would be shown now, and the reasons against the others; claims nothing."""
    form = DryRunForm(request.GET or None)
    found = problem = None
    if form.is_valid():
        try:
            found = run(form.cleaned_data["user"], form.client_context())
        except Unavailable as error:
            problem = f"Redis cannot be asked: {error}"
    return _render(request, "dry_run", "Dry run", form=form, dry_run=found, problem=problem)


@_for_viewers
def popup_statistics(request: HttpRequest, popup_id: int) -> HttpResponse:
    """The events of one popup by day: a chart and a table."""
    popup, days = get_object_or_404(Popup, pk=popup_id), _days(request)
    counts = statistics.by_day(popup_id, days)
    return _render(
        request, "statistics", f"Statistics of {popup}", period=days, popup=popup, chart=charts.bar_chart(counts),
        days=[(day, count) for day, count in reversed(counts.items()) if any(count)],
        total=statistics.total(counts.values()),
    )  # fmt: skip


@_for_viewers
def overview(request: HttpRequest) -> HttpResponse:
    """The totals of the newest popups, the backlog of events, and the lost events."""
    days = _days(request)
    popups = list(Popup.objects.order_by("-pk")[:MAX_POPUPS])
    totals = statistics.totals_of(popups, days)
    rows = sorted(((popup, totals[popup.pk]) for popup in popups), key=lambda row: -row[1].shown)
    try:
        waiting: int | str = stream.backlog(layouts.read().shards)
    except Unavailable as error:
        waiting = f"Redis cannot be asked: {error}"
    return _render(
        request, "overview", "Statistics of popups", period=days, rows=rows, waiting=waiting,
        lost_events=statistics.lost_events(days),
    )  # fmt: skip


def _days(request: HttpRequest) -> int:
    text = request.GET.get("days", "")
    return int(text) if text in map(str, PERIODS) else 30


def _render(request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
    site = admin.site.each_context(request)
    shared = {"title": title, "opts": Popup._meta, "periods": PERIODS, "legend": charts.legend()}
    return render(request, f"admin/popups/{name}.html", {**site, **shared, **context})

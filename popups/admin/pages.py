"""Pages of the admin beyond lists and forms. Whoever may see popups may see them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from api.ids import is_id
from caching.api import Unavailable
from popups import rules
from popups.admin import charts, statistics
from popups.admin.dry_run import MOST, run
from popups.config.compile import ClientContext
from popups.events import stream
from popups.models import Popup
from users.models import User

PERIODS = (7, 30, 90)
Page = Callable[..., HttpResponse]


def _for_viewers(page: Page) -> Page:
    @wraps(page)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm("popups.view_popup"):
            raise PermissionDenied
        return page(request, *args, **kwargs)

    return guarded


class DryRunForm(forms.Form):
    user = forms.CharField(max_length=64, help_text="An id or a whole username.")
    placement = forms.CharField(max_length=rules.WORD_LENGTH, initial="home")
    platform = forms.CharField(max_length=rules.WORD_LENGTH, required=False, initial="ios")
    app_version = forms.CharField(max_length=64, required=False, help_text="Such as 3.2.0.")

    def clean_user(self) -> User:
        text = self.cleaned_data["user"].strip()
        user = User.objects.filter(pk=int(text)).first() if is_id(text) else User.objects.named(text)
        if user is None:
            raise forms.ValidationError("There is no such user.")
        return user

    def clean_placement(self) -> str:
        return self._word("placement")

    def clean_platform(self) -> str:
        return self._word("platform") if self.cleaned_data["platform"] else ""

    def clean_app_version(self) -> rules.Version | None:
        text = self.cleaned_data["app_version"].strip()
        version = rules.parse_version(text)
        if text and version is None:
            raise forms.ValidationError("A version is 1 to 4 numbers with dots between, such as 3.2.0.")
        return version

    def _word(self, name: str) -> str:
        text = self.cleaned_data[name].strip()
        if not rules.is_word(text):
            raise forms.ValidationError("This is a word of letters, digits, dashes and underscores.")
        return text.lower()


@_for_viewers
def dry_run(request: HttpRequest) -> HttpResponse:
    """What a user would be shown now, and why not the others; shows nothing to anybody."""
    form = DryRunForm(request.GET or None)
    found = problem = None
    if form.is_valid():
        given = form.cleaned_data
        try:
            found = run(given["user"], ClientContext(given["placement"], given["platform"], given["app_version"]))
        except Unavailable as error:
            problem = f"Redis cannot be asked: {error}"
    return _page(request, "dry_run", "Dry run", form=form, found=found, problem=problem)


@_for_viewers
def of_popup(request: HttpRequest, popup_id: int) -> HttpResponse:
    popup, days = get_object_or_404(Popup, pk=popup_id), _days(request)
    counts = statistics.by_day(popup_id, days)
    total = statistics.together(list(counts.values()))
    happened = [(day, count) for day, count in reversed(counts.items()) if any(count)]
    context = {"popup": popup, "chart": charts.bars(counts), "days": happened, "total": total}
    return _page(request, "statistics", f"Statistics of {popup}", period=days, **context)


@_for_viewers
def overview(request: HttpRequest) -> HttpResponse:
    days = _days(request)
    popups = list(Popup.objects.order_by("-pk")[:MOST])
    totals = statistics.totals_of(popups, days)
    rows = sorted(((popup, totals[popup.pk]) for popup in popups), key=lambda row: -row[1].shown)
    try:
        waiting: int | str = stream.waiting()
    except Unavailable as error:
        waiting = f"Redis cannot be asked: {error}"
    return _page(
        request, "overview", "Statistics of popups", period=days, rows=rows, waiting=waiting,
        unrecorded=statistics.unrecorded(days),
    )  # fmt: skip


def _days(request: HttpRequest) -> int:
    text = request.GET.get("days", "")
    return int(text) if text in map(str, PERIODS) else 30


def _page(request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
    site = admin.site.each_context(request)
    more = {"title": title, "opts": Popup._meta, "periods": PERIODS, "legend": charts.legend()}
    return render(request, f"admin/popups/{name}.html", {**site, **more, **context})

"""The model admins of popups: configs with a preview, and the events that the drain records."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.db.models import ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from api.admin import BoundedPaginator
from api.admin_links import by_id, linked
from api.audited_admin import ActionRefused, AuditedAdmin, Change
from api.ids import is_id
from popups import rules
from popups.admin import pages, statistics, targeting
from popups.delivery.protection import ShownPopup
from popups.models import Event, Pacing, Popup, UserPopup
from users.models import User


class _ChangeListWithTotals(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        totals = statistics.totals_of(self.result_list)
        for popup in self.result_list:
            popup.totals = totals[popup.pk]


class PopupForm(forms.ModelForm):
    """The form of a config, with each problem shown once, at its field."""

    class Meta:
        model = Popup
        fields = ("title", "body")  # the admin adds the fields of its fieldsets
        widgets = {"body": AdminTextareaWidget}
        help_texts = {
            "languages": "Such as zh, en-US, zh-Hans. zh means zh-CN and zh-Hans as well. Empty: all.",
            "min_version": "Such as 3.2.0. A pre-release such as 3.2.0-beta comes before it.",
        }

    def clean_countries(self) -> str:
        return self._cleaned("countries", targeting.clean_countries)

    def clean_languages(self) -> str:
        return self._cleaned("languages", targeting.clean_languages)

    def _cleaned(self, name: str, clean: Callable[[str], str]) -> str:
        """Return a list; in its usual form if it was edited, so that a popup with an older one can be edited too."""
        text: str = self.cleaned_data[name]
        is_edited = name in self.changed_data and all(map(rules.is_slug, rules.split_list(text)))
        return clean(text) if is_edited else text

    def add_error(self, field: str | None, error: Any) -> None:
        """Add an error; a problem found by Popup.clean() is left out for a field that has an error already."""
        if field is None and hasattr(error, "error_dict"):
            error.error_dict = {name: errors for name, errors in error.error_dict.items() if name not in self.errors}
        super().add_error(field, error)


@admin.register(Popup)
class PopupAdmin(AuditedAdmin):
    """Configs with a preview, their state and totals, and links to the dry run and the statistics."""

    form = PopupForm
    list_display = ("id", "title", "placement", "priority", "state", "window", "shown", "click_rate")
    list_display_links = ("id", "title")
    list_filter = ("is_active", "placement")
    list_per_page = 50
    ordering = ("-pk",)
    search_fields = ("title",)
    search_help_text = "An id, or words of a title."
    save_as = True
    actions = ("switch_on", "switch_off")
    readonly_fields = ("preview",)
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    fieldsets = (
        (None, {"fields": (("title", "is_active"), "body", "image", "link", "preview")}),
        ("When and where", {"fields": ("placement", "priority", ("starts_at", "ends_at"))}),
        (
            "For whom",
            {
                "fields": (
                    "countries", "languages", "platforms", ("min_version", "max_version"), ("min_level", "max_level"),
                    "vip", "percentage",
                ),
                "description": "A user has to meet all of these; what is left empty admits everybody.",
            },
        ),
        ("How often", {"fields": (("user_cap", "total_cap"), ("reshow_hours", "click_cooldown_hours"))}),
    )  # fmt: skip

    class Media:
        css = {"all": ["popups/admin.css"]}
        js = ["popups/preview.js"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("dry-run/", view(pages.dry_run), name="popups_dry_run"),
            path("statistics/", view(pages.overview), name="popups_overview"),
            path("<int:popup_id>/statistics/", view(pages.popup_statistics), name="popups_statistics"),
            *super().get_urls(),
        ]

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return _ChangeListWithTotals

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        text = search_term.strip()
        return queryset.filter(**({"pk": int(text)} if is_id(text) else {"title__icontains": text})), False

    @admin.display
    def state(self, popup: Popup) -> Any:
        """Return broken (with the problems), off, over, scheduled or live."""
        now = timezone.now()
        if problems := rules.find_problems(popup):
            return format_html('<b class="broken">broken</b>: {}', " ".join(problems.values()))
        if not popup.is_active:
            return "off"
        if popup.ends_at is not None and popup.ends_at <= now:
            return "over"
        return "scheduled" if popup.starts_at > now else "live"

    @admin.display(ordering="starts_at", description="window (UTC)")
    def window(self, popup: Popup) -> str:
        ends = "" if popup.ends_at is None else f" {popup.ends_at:%Y-%m-%d %H:%M}"
        return f"{popup.starts_at:%Y-%m-%d %H:%M} –{ends}"

    @admin.display
    def shown(self, popup: Any) -> str:
        return f"{popup.totals.shown:,}"

    @admin.display
    def click_rate(self, popup: Any) -> Any:
        url = reverse("admin:popups_statistics", args=[popup.pk])
        return format_html('<a href="{}" title="Statistics">{}</a>', url, popup.totals.click_rate)

    @admin.display
    def preview(self, popup: Popup) -> str:
        return render_to_string("admin/popups/preview.html", {"popup": popup})

    @admin.action(description="Switch the selected popups on", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Popup]) -> Change:
        return self._switch(queryset, on=True)

    @admin.action(description="Switch the selected popups off", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Popup]) -> Change:
        return self._switch(queryset, on=False)

    def _switch(self, queryset: QuerySet[Popup], *, on: bool) -> Change:
        """Save the popups one by one: the signal of each save makes the processes read the configs again."""
        popups = self.selected(queryset.exclude(is_active=on))
        for popup in popups:
            popup.is_active = on
            popup.save(update_fields=["is_active"])
        state = "on" if on else "off"
        return Change(popups, f"Switched {state}.", f"{len(popups)} popups switched {state}.")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[str], dict[str, int], set, list[str]]:
        """Protect popups that were shown, and do not list their events, which may be millions.

        Showings of the last second are not in these totals; the deletion is refused because of them.
        """
        totals = statistics.totals_of(list(objs))
        kept = [f"{popup} was shown: switch it off instead." for popup in objs if totals[popup.pk].shown]
        refused = set() if self.has_delete_permission(request) else {"popup"}
        return [str(popup) for popup in objs], {"popups": len(totals)}, refused, kept

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except ProtectedError as refusal:
            self.message_user(request, _reason(refusal), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:popups_popup_change", args=[object_id]))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        try:
            super().delete_queryset(request, queryset)
        except ProtectedError as refusal:
            raise ActionRefused(f"{_reason(refusal)} Nothing was deleted.") from refusal


def _reason(refusal: ProtectedError) -> str:
    """Return the sentence for the staff; the database protects a popup if the drain has just written its events."""
    return str(refusal) if isinstance(refusal, ShownPopup) else "A popup was shown: switch it off instead."


@admin.register(Pacing)
class PacingAdmin(AuditedAdmin):
    """The form of the only row, which is created when the page is first opened."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        pacing, _ = Pacing.objects.get_or_create(pk=1)
        return HttpResponseRedirect(reverse("admin:popups_pacing_change", args=[pacing.pk]))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_delete_permission = has_add_permission


class _RecordsAdmin(AuditedAdmin):
    """The base for tables that only the drain writes: read-only, newest first, without counting or sorting a table."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_filter = (by_id("user"), by_id("popup"))
    list_per_page = 50
    sortable_by = ()
    ordering = ("-pk",)
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("user",)  # displays the search box; get_search_results uses the index
    search_help_text = "A user's id or whole username."

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        return queryset.filter(user_id__in=User.objects.ids_named(text)), False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("user", "popup")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(Event)
class EventAdmin(_RecordsAdmin):
    """The recorded events."""

    list_display = ("id", "type", linked("user"), linked("popup"), "at", "claim")


@admin.register(UserPopup)
class UserPopupAdmin(_RecordsAdmin):
    """The counts of events by user and popup."""

    list_display = (
        "__str__",
        linked("user"),
        linked("popup"),
        "shown",
        "clicked",
        "dismissed",
        "last_shown_at",
        "last_clicked_at",
    )

"""The queue of reports: one line for each reported target, with the actions hide, delete, deactivate and dismiss."""

from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.db import OperationalError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse

from api.admin import ChunkedDeletionAdmin, NewestFirstAdmin, bounded_count
from api.admin_links import by_id, linked, list_address, row_link
from api.audited_admin import ActionRefused, Change
from api.ids import is_id
from posts.models import Post
from reports import decisions, targets
from reports.models import Case, Kind, Reason, Report
from users.models import Erasure, User

MOST_DECIDED = 100  # cases that one action decides
MOST_LISTED = 50  # reports on the page of a case
PARTICIPLES = {
    Case.Decision.DISMISSED: "dismissed",
    Case.Decision.HIDDEN: "hidden",
    Case.Decision.DELETED: "deleted",
    Case.Decision.DEACTIVATED: "closed, with the author deactivated",
}


class _QueueList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        shown = targets.shown_targets(self.result_list)
        for case in self.result_list:
            case.shown = shown[case.pk]


def _filter_of(column: str, choices: Any, name: str = "") -> type[admin.SimpleListFilter]:
    """Return a filter by a column with choices; another value than these filters nothing."""

    class ChoiceFilter(admin.SimpleListFilter):
        title, parameter_name = name or column, column

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(str(value), label) for value, label in reversed(choices.choices)]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
            chosen = str(self.value())
            return queryset.filter(**{column: int(chosen)}) if chosen in map(str, choices.values) else queryset

    return ChoiceFilter


class _UneditedAdmin(NewestFirstAdmin):
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(Case)
class CaseAdmin(_UneditedAdmin):
    """The queue: open targets first, then those with the gravest reason, then those with the newest report."""

    list_display = ("__str__", "what", "why", "period", "status")
    list_filter = (
        _filter_of("state", Case.State), _filter_of("kind", Kind), _filter_of("gravest", Reason, "gravest reason"),
        by_id("author"),
    )  # fmt: skip
    related = ("author", "decided_by")
    ordering = ("-state", "-gravest", "-last_at", "-pk")
    search_help_text = "The id of a reported post, comment or user, or the whole username of who answers for it."
    fields = readonly_fields = ("what", "why", "period", "status", "reports")
    actions = ("dismiss", "hide", "delete", "deactivate")
    change_form_template = "admin/reports/case.html"

    class Media:
        css: ClassVar = {"all": ["reports/admin.css"]}

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return _QueueList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        """Return the cases, without those about users whose accounts are being deleted, which go along."""
        erased = Erasure.objects.filter(gone_at=None).values("user_id")
        return super().get_queryset(request).exclude(author_id__in=erased)

    def search(self, queryset: QuerySet[Case], text: str) -> QuerySet[Case]:
        if is_id(text):
            return queryset.filter(kind__in=Kind.values, target_id=int(text))
        return queryset.filter(author_id__in=User.objects.ids_named(text))

    @admin.display(description="reported")
    def what(self, case: Case) -> str:
        shown = _shown(case)
        author = shown.author
        context = {
            "shown": shown,
            "target": row_link(type(shown.row), shown.row.pk, str(case)) if shown.row else str(case),
            "is_user": case.kind == Kind.USER,
            "author": row_link(User, author.pk, author.username) if author else None,
            "others": author and list_address(Case, "author", author.pk),
        }
        return render_to_string("admin/reports/target.html", context)

    @admin.display(description="reports")
    def why(self, case: Case) -> str:
        reasons = ", ".join(f"{count:,} {reason.label}" for reason, count in case.by_reason.items())
        return f"{case.reports:,} ({reasons})"

    @admin.display(description="first and last (UTC)")
    def period(self, case: Case) -> str:
        return f"{case.first_at:%Y-%m-%d %H:%M}, {case.last_at:%Y-%m-%d %H:%M}"

    @admin.display(description="state")
    def status(self, case: Case) -> str:
        if case.decided_at is None:
            return case.get_state_display()
        decided = (
            f"{case.get_decision_display()} by {case.decided_by or 'a deleted user'}, {case.decided_at:%Y-%m-%d %H:%M}"
        )
        return f"open again; before: {decided}" if case.state == Case.State.OPEN else decided

    @admin.display(description="newest reports")
    def reports(self, case: Case) -> str:
        newest = Report.objects.filter(case=case).select_related("reporter").order_by("-pk")[:MOST_LISTED]
        lines = [(each, each.reporter and row_link(User, each.reporter.pk, each.reporter.username)) for each in newest]
        context = {"lines": lines, "more": case.reports > len(lines), "all": list_address(Report, "case", case.pk)}
        return render_to_string("admin/reports/reports.html", context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        more = {"may_decide": self.has_decide_permission(request), "kinds": Kind}
        return super().render_change_form(request, {**context, **more}, *args, **options)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Return whether the staff may decide on reports."""
        return request.user.has_perm("reports.decide_case")

    @admin.action(description="Dismiss the reports: nothing is wrong", permissions=["decide"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Case]) -> Change:
        return self._decide(request, queryset, Case.Decision.DISMISSED)

    @admin.action(description="Hide the reported posts", permissions=["decide"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Case]) -> Change:
        return self._decide(request, queryset, Case.Decision.HIDDEN)

    @admin.action(description="Delete what is reported", permissions=["decide"])
    def delete(self, request: HttpRequest, queryset: QuerySet[Case]) -> Change | HttpResponse:
        """Delete the reported posts, comments and users, after a page that asks for confirmation."""
        if request.POST.get("post"):
            return self._decide(request, queryset, Case.Decision.DELETED)
        cases = self._selected_cases(queryset)
        context = {
            **self.admin_site.each_context(request),
            "title": "Delete what is reported?",
            "opts": self.opts,
            "cases": [(case, _shown(case)) for case in cases],
            "along": _going_along(cases),
            "checkbox": ACTION_CHECKBOX_NAME,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/reports/delete.html", context)

    @admin.action(description="Deactivate the author, or the reported user", permissions=["decide"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Case]) -> Change:
        return self._decide(request, queryset, Case.Decision.DEACTIVATED)

    def _selected_cases(self, queryset: QuerySet[Case]) -> list[Case]:
        cases = self.selected(queryset, MOST_DECIDED)
        if not cases:
            raise ActionRefused("The selected targets are in the queue no longer; nothing was changed.")
        return cases

    def _decide(self, request: HttpRequest, queryset: QuerySet[Case], decision: Case.Decision) -> Change:
        decided, refusals, actor = [], [], cast(User, request.user)
        for case in self._selected_cases(queryset):
            try:
                decided.append(decisions.decide(case.pk, decision, by=actor))
            except decisions.Refused as error:
                refusals.append(str(error))
            except OperationalError:  # such as a deadlock with the deletion of the author
                refusals.append(f"Somebody else is changing the {case} just now: try again.")
        if not decided:
            raise ActionRefused(" ".join(refusals))
        for refusal in refusals:
            self.message_user(request, refusal, messages.WARNING)
        text = f"{len(decided)} {'target' if len(decided) == 1 else 'targets'} {PARTICIPLES[decision]}."
        return Change([], "", text)  # each decision has written its entries


@admin.register(Report)
class ReportAdmin(_UneditedAdmin):
    """The single reports, which nobody changes."""

    list_display = ("id", linked("case"), linked("reporter"), "reason", "text", "created_at")
    list_filter = (by_id("case"), by_id("reporter"))
    related = ("case", "reporter")
    fields = readonly_fields = ("case", "reporter", "reason", "text", "created_at")
    search_help_text = "The id or the whole username of who has reported."

    def search(self, queryset: QuerySet[Report], text: str) -> QuerySet[Report]:
        return queryset.filter(reporter_id__in=User.objects.ids_named(text))


def _shown(case: Any) -> targets.Shown:
    """Return the target of a case, remembered on the instance, which lives as long as the request."""
    if not hasattr(case, "shown"):
        case.shown = targets.shown_targets([case])[case.pk]
    return case.shown


def _going_along(cases: list[Case]) -> dict[str, int]:
    """Return the bounded numbers of the rows that are deleted with the targets of cases."""
    models: dict[Kind, type[Model]] = {Kind.POST: Post, Kind.USER: User}
    found: dict[str, int] = {}
    for kind, model in models.items():
        pks = [case.target_id for case in cases if case.kind == kind]
        model_admin = admin.site.get_model_admin(model)
        if pks and isinstance(model_admin, ChunkedDeletionAdmin):
            along = model_admin.going_along(pks)
            found |= {f"{title} ({kind.label}s)": bounded_count(rows) for title, rows in along.items()}
    return found

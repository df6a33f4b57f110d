"""Writes of reports: filing one, and what becomes of them when a user is deleted."""

from collections.abc import Iterator

from django.db import router

from jobs.deletion import in_chunks
from reports.models import Case, Kind, Reason, Report
from users.edges import referring_write
from users.models import User


def find_report(*, reporter_id: int, kind: Kind, target_id: int) -> int | None:
    """Return the id of the report that a user has filed about a target; None if there is none."""
    filed = Report.objects.filter(case__kind=kind, case__target_id=target_id, reporter_id=reporter_id)
    return filed.values_list("pk", flat=True).first()


def file_report(
    *, reporter_id: int, kind: Kind, target_id: int, author_id: int, reason: Reason, text: str = ""
) -> tuple[int, bool]:
    """File a report about a target; return its id, and whether it is new: there is one by each user.

    Raises User.DoesNotExist for a reporter, and Case.DoesNotExist for an author, who was deleted meanwhile.
    """
    case_id = _case_of(kind, target_id, author_id)
    with referring_write(router.db_for_write(Report), (User, reporter_id)):
        # The lock comes first: the insert of a report takes a shared lock on the case, and two that both want the case
        # for themselves afterwards would be a deadlock.
        case = Case.objects.select_for_update().get(pk=case_id)
        filed = Report.objects.filter(case=case, reporter_id=reporter_id).values_list("pk", flat=True).first()
        if filed is not None:
            return filed, False
        report = Report.objects.create(case=case, reporter_id=reporter_id, reason=reason, text=text)
        _count(case, report)
        return report.pk, True


def _case_of(kind: Kind, target_id: int, author_id: int) -> int:
    """Return the id of a target's case, in a transaction of its own, so that nobody waits for who creates it."""
    wanted = Case.objects.filter(kind=kind, target_id=target_id).values_list("pk", flat=True)
    if (found := wanted.first()) is not None:
        return found
    try:
        with referring_write(router.db_for_write(Case), (User, author_id)):
            return Case.objects.get_or_create(kind=kind, target_id=target_id, defaults={"author_id": author_id})[0].pk
    except User.DoesNotExist:
        raise Case.DoesNotExist from None


def _count(case: Case, report: Report) -> None:
    name = Reason(report.reason).label
    if not case.reports:
        case.first_at = report.created_at
    setattr(case, name, getattr(case, name) + 1)
    case.state, case.gravest, case.last_at = Case.State.OPEN, max(case.gravest, report.reason), report.created_at
    case.save(update_fields=[name, "state", "gravest", "first_at", "last_at"])


def delete_reports_of(user_id: int) -> Iterator[int]:
    """Delete the cases about a user's doings, and detach the user's reports and decisions; yield the rows per chunk.

    Registered with users.deletion_hooks. What a user has reported may still have to be decided.
    """
    about = Case.objects.filter(author_id=user_id)
    yield from in_chunks(Report.objects.filter(case__in=about))
    yield from in_chunks(about)
    yield from in_chunks(Report.objects.filter(reporter_id=user_id), _detach)
    yield from in_chunks(Case.objects.filter(decided_by_id=user_id), _forget_who_decided)


def _forget_who_decided(case_ids: list[int]) -> None:
    Case.objects.filter(pk__in=case_ids).update(decided_by=None)


def _detach(report_ids: list[int]) -> None:
    Report.objects.filter(pk__in=report_ids).update(reporter=None, text="")

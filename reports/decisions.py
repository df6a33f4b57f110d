"""Decisions of the staff on open cases: each is made once, with its entries in the log, whoever comes first."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.db import models, router
from django.utils import timezone

from caching.api import atomic_write
from posts import removal
from posts.models import Comment, Post
from reports.models import Case, Kind
from users import erasure
from users import services as users
from users.models import User
from users.ranks import may_manage


class Refused(Exception):
    """Raised for a decision that changes nothing, with the sentence for the staff."""


def decide(case_id: int, decision: Case.Decision, *, by: User) -> Case:
    """Carry out a decision and close the case, all or nothing; raise Refused.

    What is deleted disappears for its readers with the decision. The rows that belong to it go afterwards.
    """
    with atomic_write(router.db_for_write(Case)):
        # Two who decide at once wait for each other here, and the second finds the case closed.
        case = Case.objects.select_for_update().filter(pk=case_id).first()
        if case is None or erasure.being_erased([case.author_id]):
            raise Refused("A user was deleted meanwhile, and with the account the reports about it.")
        _require_open(case)
        _require_stranger(case, by)
        target, flag, entry = _CARRY_OUT[decision](case, by)
        _close(case, decision, by)
        _log(by, case, CHANGE, f"{decision.label.capitalize()}.")
        if target is not None:
            _log(by, target, flag, entry)
    _finish(case, decision)
    return case


def _require_open(case: Case) -> None:
    if case.state != Case.State.OPEN:
        whom = f" by {case.decided_by}" if case.decided_by else ""
        raise Refused(f"The {case} was decided already{whom}: {case.get_decision_display()}.")


def _require_stranger(case: Case, by: User) -> None:
    if case.author_id == by.pk:
        raise Refused(f"The {case} is your own: somebody else has to decide.")


def _close(case: Case, decision: Case.Decision, by: User) -> None:
    case.state, case.decision, case.decided_by, case.decided_at = Case.State.CLOSED, decision, by, timezone.now()
    case.save(update_fields=["state", "decision", "decided_by", "decided_at"])


def _log(by: User, row: models.Model, flag: int, entry: str) -> None:
    LogEntry.objects.log_actions(by.pk, [row], flag, entry, single_object=True)


Outcome = tuple[models.Model | None, int, str]
"""The row that was changed, and its entry in the log."""


def _dismiss(case: Case, by: User) -> Outcome:
    return None, CHANGE, ""


def _hide(case: Case, by: User) -> Outcome:
    if case.kind != Kind.POST:
        raise Refused(f"The {case} cannot be hidden: only posts can.")
    post = _existing(case, Post.objects.filter(pk=case.target_id).exclude(state=Post.State.REMOVED))
    Post.objects.filter(pk=post.pk, state=Post.State.SHOWN).update(state=Post.State.HIDDEN)
    return post, CHANGE, "Hidden, as it was reported."


def _deactivate(case: Case, by: User) -> Outcome:
    author = _managed(case, by)
    users.set_active([author.pk], active=False)
    return author, CHANGE, f"Deactivated, as the {case} was reported."


def _delete(case: Case, by: User) -> Outcome:
    if case.kind == Kind.POST:
        row: Any = _existing(case, Post.objects.filter(pk=case.target_id).exclude(state=Post.State.REMOVED))
        removal.mark(row.pk)
    elif case.kind == Kind.COMMENT:
        row = _existing(case, Comment.objects.filter(pk=case.target_id))
        Comment.objects.filter(pk=row.pk).delete()
    else:
        row = _managed(case, by)
        erasure.mark([row.pk])
    return row, DELETION, "Reported."


def _finish(case: Case, decision: Case.Decision) -> None:
    """Delete what belongs to a deleted post or user, in short transactions."""
    if decision == Case.Decision.DELETED and case.kind == Kind.POST:
        removal.removed_posts.delete_some([case.target_id])
    elif decision == Case.Decision.DELETED and case.kind == Kind.USER:
        erasure.delete_some([case.target_id])


def _existing(case: Case, rows: models.QuerySet) -> Any:
    row = rows.first()
    if row is None:
        raise Refused(f"The {case} was deleted meanwhile: dismiss the reports, or deactivate its author.")
    return row


def _managed(case: Case, by: User) -> User:
    """Return the author of the target, or the reported user, if the staff may manage the account."""
    author: User = _existing(case, User.objects.filter(pk=case.author_id))
    if not may_manage(by, author):
        raise Refused(f"You may not manage {author.username}, whom the reports about the {case} concern.")
    return author


_CARRY_OUT: dict[Case.Decision, Callable[[Case, User], Outcome]] = {
    Case.Decision.DISMISSED: _dismiss,
    Case.Decision.HIDDEN: _hide,
    Case.Decision.DELETED: _delete,
    Case.Decision.DEACTIVATED: _deactivate,
}

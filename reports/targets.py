"""What can be reported: whether a caller sees it, and how the staff is shown it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from caching.api import Batch
from counters.api import counts_of
from posts.models import Comment, Post
from posts.visibility import is_readable
from reports.models import Case, Kind
from social.models import blocked_by
from users import visibility
from users.models import User


class NotVisible(Exception):
    """There is no such target that the caller can see."""


def author_of(viewer_id: int, kind: Kind, target_id: int) -> int:
    """Return the id of the author of what a viewer reports, or of the reported user; raise NotVisible.

    A block of the viewer's own hides nothing from a report, because people block and report in either order. Who is
    blocked by an author does not see the author's posts and comments, but those under an own post, and can report the
    account.
    """
    author_id, concerned = _AUTHORS[kind](viewer_id, target_id)
    hiding = () if kind == Kind.USER or viewer_id in concerned else concerned
    batch = Batch()
    users = batch.rows(User, concerned)
    hidden = batch.add(blocked_by.among(viewer_id, hiding))
    batch.run()
    if any(map(visibility.is_gone, map(users.row, concerned))) or hidden.members.intersection(hiding):
        raise NotVisible
    return author_id


def _of_post(viewer_id: int, post_id: int) -> tuple[int, set[int]]:
    found = Post.objects.get_some([post_id]).results
    if not found or not is_readable(found[0], viewer_id):
        raise NotVisible
    return found[0].author_id, {found[0].author_id}


def _of_comment(viewer_id: int, comment_id: int) -> tuple[int, set[int]]:
    found = Comment.objects.filter(pk=comment_id).values_list("author_id", "post_id").first()
    if found is None:
        raise NotVisible
    author_id, post_id = found
    return author_id, {author_id, *_of_post(viewer_id, post_id)[1]}


_AUTHORS = {
    Kind.POST: _of_post,
    Kind.COMMENT: _of_comment,
    Kind.USER: lambda viewer_id, user_id: (user_id, {user_id}),
}


class Shown(NamedTuple):
    """A target as the staff is shown it. `row` is None once it is deleted."""

    row: Any
    author: User | None
    text: str
    state: str
    counts: Mapping[str, int]


def shown_targets(cases: Iterable[Case]) -> dict[int, Shown]:
    """Return the targets of cases by the id of the case: a fixed number of queries for any number of cases."""
    by_kind: dict[int, list[Case]] = {}
    for case in cases:
        by_kind.setdefault(case.kind, []).append(case)
    found: dict[int, Shown] = {}
    for kind, those in by_kind.items():
        rows = _ROWS[Kind(kind)]([case.target_id for case in those])
        for case in those:
            found[case.pk] = rows.get(case.target_id) or Shown(None, case.author, "", "deleted meanwhile", {})
    return found


def _posts(ids: Collection[int]) -> dict[int, Shown]:
    rows, counts = Post.objects.select_related("author").in_bulk(ids), counts_of("post", ids)
    return {
        pk: Shown(row, row.author, row.text, row.get_state_display().lower(), counts[pk]) for pk, row in rows.items()
    }


def _comments(ids: Collection[int]) -> dict[int, Shown]:
    rows = Comment.objects.select_related("author").in_bulk(ids)
    return {pk: Shown(row, row.author, row.text, "shown", {}) for pk, row in rows.items()}


def _users(ids: Collection[int]) -> dict[int, Shown]:
    rows, counts = User.objects.in_bulk(ids), counts_of("user", ids)
    return {pk: Shown(row, row, _profile(row), _activity(row), counts[pk]) for pk, row in rows.items()}


def _profile(user: User) -> str:
    return "\n".join(filter(None, (user.nickname, user.bio)))


def _activity(user: User) -> str:
    return "active" if user.is_active else "deactivated"


_ROWS = {Kind.POST: _posts, Kind.COMMENT: _comments, Kind.USER: _users}

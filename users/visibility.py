"""Who is visible to whom: the one place that decides it (docs/decisions/0023-visibility.md).

An account that is not active, because it was deactivated or is being deleted, is gone for everybody. Users of whom one
blocks the other are shown to each other as public users alone: not in lists, and no state, profile or posts. Who is
blocked is registered by the application of the social graph.
"""

from collections.abc import Callable, Collection
from functools import cached_property
from operator import attrgetter
from typing import Any

from msgspec import Raw

from api.problems import Problem, not_found
from caching.api import Batch
from users.models import User
from users.projections import PUBLIC_JSON

ReadIds = Callable[[], set[int]]
Filter = Callable[[Batch, int, Collection[int]], ReadIds]
_filters: list[Filter] = []
_is_active = attrgetter("is_active")


def register(request_filter: Filter) -> None:
    """Register a filter, called as `request_filter(batch, viewer_id, ids)`. Call this in AppConfig.ready().

    A filter adds reads to the batch, and returns a function that returns, once the batch has run, the ids of the users
    who are blocked: these and the viewer do not see each other.
    """
    _filters.append(request_filter)


def request_blocked(batch: Batch, viewer_id: int, ids: Collection[int]) -> ReadIds:
    """Add the reads of all filters to a batch; return a function that returns the blocked ids once it has run."""
    reads = [request_filter(batch, viewer_id, ids) for request_filter in _filters]
    return lambda: set().union(*(read_ids() for read_ids in reads))


def no_such_user() -> Problem:
    """Return the 404 of an account that is gone or never was."""
    return not_found("such user")


def blocked() -> Problem:
    """Return the 403 between two users of whom one blocks the other."""
    return Problem(403, "blocked", "One of you two blocks the other.")


def is_gone(row: Any) -> bool:
    """Return whether an account is gone for everybody: it has no row (None), or is not active."""
    return row is None or not row.is_active


def without_gone(users: Any) -> Any:
    """Return the rows of users that a batch has read, of which those that are gone count as missing."""
    users.keep(_is_active)
    return users


class ViewedUsers:
    """Users as one viewer sees them, requested from a batch; readable once the batch has run.

    With `despite_blocks` no block is asked for. `owner_id` is a further user of whom only blocks are asked for.
    """

    def __init__(
        self,
        batch: Batch,
        viewer_id: int,
        user_ids: Collection[int],
        *,
        despite_blocks: bool = False,
        owner_id: int | None = None,
    ) -> None:
        self._users = batch.rows(User, user_ids)
        asked = [] if despite_blocks else [*user_ids]
        if owner_id is not None and owner_id not in asked:
            asked.append(owner_id)
        self._read_blocked = request_blocked(batch, viewer_id, asked)

    @cached_property
    def rows(self) -> Any:
        """The rows that the batch has read, without those that are gone."""
        return without_gone(self._users)

    @cached_property
    def blocked(self) -> set[int]:
        """The ids of the users from whom a block separates the viewer."""
        return self._read_blocked()

    def public(self, matches: Callable[[Any], bool] | None = None) -> dict[int, Any]:
        """Return the visible users by id, as msgspec writes them, in the order asked; only of rows that match."""
        rows = self._visible if matches is None else list(filter(matches, self._visible))
        return dict(zip([row.id for row in rows], PUBLIC_JSON.of(rows), strict=True))

    @cached_property
    def texts(self) -> dict[int, Raw]:
        """The visible users by id, as JSON."""
        rows = self._visible
        return dict(zip([row.id for row in rows], PUBLIC_JSON.texts(rows), strict=True))

    @property
    def _visible(self) -> list[Any]:
        rows: list[Any] = self.rows.rows().results
        blocked_ids = self.blocked
        return [row for row in rows if row.id not in blocked_ids] if blocked_ids else rows

    def require(self, user_id: int) -> None:
        """Raise the 404 if a requested user is gone, the 403 if a block separates the viewer from this user."""
        if self.rows.row(user_id) is None:
            raise no_such_user()
        if user_id in self.blocked:
            raise blocked()

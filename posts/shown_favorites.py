"""The favourites that a user's list shows, as an id set.

`favorites/check` answers by one set, so the set leaves out what the list leaves out: posts that are hidden or whose
authors are gone or separated from the user by a block. posts.favorites_drops drops the sets that such a write changes.
"""

from typing import Any

from django.db.models import Q

from caching.api import IdSet
from social.models import Block


class ShownFavorites(IdSet):
    """The id set of favourites; `shown` admits posts, and `own` further ones of the user's own."""

    def __init__(self, model: Any, *, owner: str, member: str, shown: Q, own: Q) -> None:
        super().__init__(model, owner=owner, member=member)
        self._shown, self._own = shown, own

    def edges(self, owner: Any) -> Any:
        """Return the favourites of a user that the list of favourites shows to this user."""
        admitted = self._shown | (self._own & Q(post__author=owner))
        blocked, blockers = (
            Block.objects.filter(**{one: owner}).values(other)
            for one, other in (("blocker", "blocked"), ("blocked", "blocker"))
        )
        return super().edges(owner).filter(admitted, ~Q(post__author__in=blocked), ~Q(post__author__in=blockers))

"""Which writes change the shown favourites of users from afar: these users' id sets are dropped."""

from collections.abc import Callable, Collection, Iterable
from itertools import chain
from typing import Any

from django.db.models import QuerySet

from caching.api import IdSet
from caching.extend import Declaration, declare, record_pending
from posts.models import Favorite, Post, favorited
from social.models import Block
from users.models import User

AT_ONCE = 10_000
"""The most favourites that a write looks at. If there are more, all sets are dropped within a second of its commit."""


class DropsFavorites(Declaration):
    """The declaration of a model whose writes change which favourites are shown: it drops the sets of some users.

    `users_of` returns a queryset of tuples of their ids for primary keys of written rows, `users_in` the ids that a row
    itself tells. `columns` are those that matter (None: all).
    """

    def __init__(
        self,
        favorites: IdSet,
        users_of: Callable[[list[Any]], QuerySet[Any, Any]],
        *,
        users_in: Callable[[Any], Iterable[int]] = lambda _: (),
        columns: Collection[str] | None = None,
    ) -> None:
        self._favorites, self._users_of, self._users_in, self._columns = favorites, users_of, users_in, columns

    def concerns(self, columns: Collection[str] | None) -> bool:
        return columns is None or self._columns is None or not set(columns).isdisjoint(self._columns)

    def keys_of(self, instance: Any, using: str, columns: Collection[str] | None = None) -> Iterable[str]:
        return self._keys(self._users_in(instance), using)

    def stored_keys(self, pks: list[Any], using: str) -> Iterable[str]:
        rows = list(self._users_of(pks).using(using).order_by()[: AT_ONCE + 1])
        if len(rows) <= AT_ONCE:
            return self._keys(set(chain.from_iterable(rows)), using)
        record_pending(using, [f"{prefix}*" for prefix in self.key_prefixes(using)])
        return ()

    def keys_after_update(self, pks: list[Any], using: str, columns: Collection[str]) -> Iterable[str]:
        return ()

    def key_prefixes(self, using: str) -> Iterable[str]:
        return self._favorites.key_prefixes(using)

    def _keys(self, user_ids: Iterable[int], using: str) -> list[str]:
        favorites = self._favorites.at(using)
        return [favorites.key(favorites.identity(user_id)) for user_id in user_ids]


def watch() -> None:
    """Declare which writes drop sets: of the state of a post, of `is_active` of its author, and of blocks."""
    rows, blocks = Favorite.objects.values_list("user_id"), Block.objects.values_list("blocker_id", "blocked_id")
    seen = rows.filter(post__author__is_active=True)  # those of accounts that are gone are in no set
    declare(Post, DropsFavorites(favorited, lambda pks: seen.filter(post__in=pks), columns=["state"]))
    declare(User, DropsFavorites(favorited, lambda pks: rows.filter(post__author__in=pks), columns=["is_active"]))
    declare(Block, DropsFavorites(favorited, lambda pks: blocks.filter(pk__in=pks), users_in=_both_ends))


def _both_ends(block: Block) -> Iterable[int]:
    return block.blocker_id, block.blocked_id

"""Rows that belong to an account, which rooms register: what its page in the admin counts and links to, and what goes
along when it is deleted."""

from typing import NamedTuple

from django.db.models import Model, Q, QuerySet


class RelatedRows(NamedTuple):
    """Rows of a model that refer to an account by a foreign key, with which an index begins."""

    title: str
    model: type[Model]
    column: str
    where: Q = Q()
    kept: str = ""
    """What the page of a deletion adds to the title if the rows are kept without the account."""

    def of(self, user_ids: list[int]) -> QuerySet:
        """Return the rows that refer to one of these accounts."""
        return self.model._default_manager.filter(self.where, **{f"{self.column}__in": user_ids})


_registered: list[RelatedRows] = []


def register(*kinds: RelatedRows) -> None:
    """Register kinds of rows, in the order in which they are shown. Call this in AppConfig.ready()."""
    _registered.extend(kinds)


def all_kinds() -> list[RelatedRows]:
    """Return all registered kinds of rows."""
    return list(_registered)

"""Making the search terms of all users anew, after an upgrade that changes what the terms are.

Goes through the users by id, a few in each transaction, and notes in the same transaction how far it is. It locks the
users of the transaction, so that none of them is renamed between the reading of the name and the writing of the terms.
"""

from collections.abc import Iterator

from django.db import OperationalError, router
from django.utils import timezone

from caching.api import atomic_write
from users.indexing import keep_terms
from users.models import SearchIndex, User
from users.terms import VERSION

BATCH = 200  # users in one transaction
ATTEMPTS = 5


def is_complete() -> bool:
    """Return whether all users have the terms of this release."""
    return SearchIndex.objects.filter(version=VERSION, finished_at__isnull=False).exists()


def done_up_to() -> int:
    """Return the id up to which an unfinished run has come; 0 if there is none."""
    return (
        SearchIndex.objects.filter(version=VERSION, finished_at=None).values_list("done_up_to", flat=True).first() or 0
    )


def run(*, restart: bool = False) -> Iterator[int]:
    """Make the terms of all users, and yield the number of users of each transaction.

    Goes on where an earlier run has stopped; with `restart`, from the first user.
    """
    progress, _ = SearchIndex.objects.get_or_create(version=VERSION)
    after = 0 if restart or progress.finished_at else progress.done_up_to
    _note(done_up_to=after, finished_at=None)
    while ids := list(User.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        _reindex(ids)
        after = ids[-1]
        yield len(ids)
    _note(finished_at=timezone.now())


def _reindex(user_ids: list[int]) -> None:
    """Make the terms of some users in one transaction; repeated if it meets another one that holds what it needs."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with atomic_write(router.db_for_write(SearchIndex)):
                list(User.objects.filter(pk__in=user_ids).order_by("pk").select_for_update().values_list("pk"))
                keep_terms(user_ids)
                _note(done_up_to=user_ids[-1])
            return
        except OperationalError:
            if attempt == ATTEMPTS:
                raise


def _note(**columns: object) -> None:
    SearchIndex.objects.filter(version=VERSION).update(**columns)

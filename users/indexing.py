"""Maintenance of the search terms: they follow the users in the same transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import router
from django.db.models.signals import post_save

from caching.api import atomic_write
from caching.extend import LoggedTransaction, listen
from users.managers import many_written
from users.models import SearchTerm, User
from users.terms import SEARCHED, terms_of

BATCH = 1_000


def watch_users() -> None:
    """Connect the signals of all writes of users. User.save() opens the transaction that the terms are written in."""
    post_save.connect(_after_save, sender=User, dispatch_uid="users.keep_terms")
    many_written.connect(_after_many, sender=User, dispatch_uid="users.keep_terms_of_many")
    for model in (User, SearchTerm):
        listen(model, _after_logged)


def keep_terms(user_ids: Collection[int]) -> None:
    """Update the terms of users to match their rows: two reads, and writes if needed. Inactive users have no terms.

    Call this in the transaction that wrote the users, for at most some thousand users.
    """
    known, wanted = _known(user_ids), _wanted(user_ids)
    SearchTerm.objects.filter(user_id__in=known.keys() - wanted.keys()).delete()
    for user_id, terms in wanted.items():
        if stale := known[user_id] - terms:
            SearchTerm.objects.filter(user_id=user_id, term__in=stale).delete()
    _add({user_id: terms - known[user_id] for user_id, terms in wanted.items()})


def keep_terms_locked(user_ids: Collection[int]) -> None:
    """Update the terms of users in a transaction of their own, in which nobody renames them."""
    with atomic_write(router.db_for_write(User)):
        list(User.objects.filter(pk__in=user_ids).order_by("pk").select_for_update().values_list("pk"))
        keep_terms(user_ids)


def _known(user_ids: Collection[int]) -> defaultdict[int, set[str]]:
    """Return the terms that users have by id, those who have any."""
    known: defaultdict[int, set[str]] = defaultdict(set)
    for user_id, term in SearchTerm.objects.filter(user_id__in=user_ids).values_list("user_id", "term"):
        known[user_id].add(term)
    return known


def _wanted(user_ids: Collection[int]) -> dict[int, set[str]]:
    """Return the terms that users should have by id, those who are active."""
    active = User.objects.filter(pk__in=user_ids, is_active=True).values_list("pk", "username", "nickname")
    return {user_id: terms_of(username, nickname) for user_id, username, nickname in active}


def _differing(user_ids: Collection[int]) -> list[int]:
    """Return the users whose terms are others than those that they should have, or are about to change."""
    known, wanted = _known(user_ids), _wanted(user_ids)
    return [user_id for user_id in user_ids if known[user_id] != wanted.get(user_id, set())]


def _add(terms: Mapping[int, Iterable[str]]) -> None:
    rows = [SearchTerm(term=term, user_id=user_id) for user_id, new in terms.items() for term in sorted(new)]
    if rows:
        SearchTerm.objects.bulk_create(rows, batch_size=2_000, ignore_conflicts=True)


def _after_save(*, instance: User, update_fields: Collection[str] | None, **_: Any) -> None:
    if update_fields is None or not SEARCHED.isdisjoint(update_fields):
        keep_terms([instance.pk])


def _after_many(*, user_ids: list[int], **_: Any) -> None:
    for at in range(0, len(user_ids), BATCH):
        keep_terms(user_ids[at : at + BATCH])


def _after_logged(using: str, transactions: Sequence[LoggedTransaction]) -> None:
    """Update the terms of users that were written without their terms, or the other way, as by raw SQL."""
    ids: set[int] = set()
    for each in transactions:
        users, indexed = set[int](), set[int]()
        for change in each.changes:
            if change.model is SearchTerm:
                indexed.add(change.row.user_id)
            elif change.columns is None or not SEARCHED.isdisjoint(change.columns):
                users.add(change.row.pk)
        ids |= users ^ indexed
    told = sorted(ids)
    for at in range(0, len(told), BATCH):
        if differing := _differing(told[at : at + BATCH]):  # seldom of its own writes, which the log tells as well
            keep_terms_locked(differing)

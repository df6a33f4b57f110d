"""Maintenance of the search terms: they follow the users in the same transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db.models.signals import post_save

from users.managers import many_written
from users.models import SearchTerm, User
from users.terms import SEARCHED, terms_of

BATCH = 1_000


def watch_users() -> None:
    """Connect the signals of all writes of users. User.save() opens the transaction that the terms are written in."""
    post_save.connect(_after_save, sender=User, dispatch_uid="users.keep_terms")
    many_written.connect(_after_many, sender=User, dispatch_uid="users.keep_terms_of_many")


def keep_terms(user_ids: Collection[int]) -> None:
    """Update the terms of users to match their rows: two reads, and writes if needed. Inactive users have no terms.

    Call this in the transaction that wrote the users, for at most some thousand users.
    """
    known = defaultdict(set)
    for user_id, term in SearchTerm.objects.filter(user_id__in=user_ids).values_list("user_id", "term"):
        known[user_id].add(term)
    active = User.objects.filter(pk__in=user_ids, is_active=True).values_list("pk", "username", "nickname")
    terms_by_user = {user_id: terms_of(username, nickname) for user_id, username, nickname in active}
    SearchTerm.objects.filter(user_id__in=known.keys() - terms_by_user.keys()).delete()
    for user_id, terms in terms_by_user.items():
        if stale := known[user_id] - terms:
            SearchTerm.objects.filter(user_id=user_id, term__in=stale).delete()
    _add({user_id: terms - known[user_id] for user_id, terms in terms_by_user.items()})


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

"""Deletion of accounts: gone for everybody with one short transaction, row by row afterwards (decision 0024).

The transaction that marks an account ends its tokens and notes an Erasure, by which `sweep_removed` finds it. Then the
rows that refer to the user are deleted in chunks, and the account last; its entries in Redis go when nobody can fill
them any more. If a process is killed in between, the next one goes on.
"""

import logging
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, OperationalError, connections, router
from django.db.models import F, ProtectedError, Q, QuerySet
from django.db.models.signals import pre_delete
from django.utils import timezone
from redis import RedisError

from api import generations, throttles
from caching.api import RedisKeys, atomic_write, discard_keys, owned_keys
from caching.extend import prefix
from counters.api import forget_targets
from jobs.deletion import AT_ONCE, in_chunks
from users import deletion_hooks, login_throttle
from users.models import Erasure, User

LATE_READERS_S = 120
"""After this time no request is at work that was admitted before the account was gone, and no writer who held an entry
of it."""
FIRST_RETRY_S, LAST_RETRY_S = 1, 300
PURGED_TOGETHER = 100  # accounts whose entries one walk over the keys of Redis finds
EVERYBODY = Q()
logger = logging.getLogger(__name__)


class WrongPassword(Exception):
    """The password is not the account's."""


def request(user_id: int, *, password: str) -> None:
    """Mark the account of a user who gives the password; raise User.DoesNotExist and WrongPassword."""
    user = User.objects.get(pk=user_id, is_active=True)
    if not user.check_password(password):
        raise WrongPassword
    # The password may have been changed, or the account deactivated, since the user was read.
    if not mark([user_id], unchanged=Q(password=user.password, is_active=True)):
        raise WrongPassword


def mark(user_ids: list[int], *, unchanged: Q = EVERYBODY) -> int:
    """Deactivate accounts for good and end their tokens; return how many there were. Nobody activates them again."""
    with atomic_write(router.db_for_write(User)):
        rows = User.objects.filter(unchanged, pk__in=user_ids).order_by("pk")
        found = dict(rows.select_for_update().values_list("pk", "username"))
        for pk, username in found.items():
            Erasure.objects.update_or_create(pk=pk, defaults={"username": username, "gone_at": None})
        User.objects.filter(pk__in=found).update(is_active=False, **generations.all_ended())
    return len(found)


def being_erased(user_ids: Collection[int]) -> QuerySet[Erasure, int]:
    """Return those of these users whose accounts are marked."""
    return Erasure.objects.filter(pk__in=user_ids, gone_at=None).values_list("user_id", flat=True)


def delete(user_id: int) -> Iterator[int]:
    """Delete the rows that refer to a marked account, then the account; yield the number of rows per transaction.

    Each transaction waits for a process that does the same, and goes on from there.
    """
    return _delete(user_id, skip_locked=False)


def delete_some(user_ids: list[int]) -> None:
    """Mark accounts and delete about AT_ONCE rows; the sweep deletes the rest."""
    mark(user_ids)
    left = AT_ONCE
    for user_id in user_ids:
        for deleted in _delete(user_id, skip_locked=True):
            left -= deleted
            if left <= 0:
                return


def sweep() -> Iterator[int]:
    """Delete the accounts that are marked, and what Redis has of those that are gone; registered with jobs.deletion.

    Any number of processes may do so at once: each works on accounts that no other one is deleting just then.
    """
    yield from _purge_due()
    for user_id in _due().filter(gone_at=None).values_list("pk", flat=True):
        work = _delete(user_id, skip_locked=True)
        while deleted := _advance(work, user_id):
            yield deleted
        yield from _purge_due()


def _advance(work: Iterator[int], user_id: int) -> int:
    """Run a transaction of a deletion; return the number of rows, 0 at the end and after an error."""
    try:
        return next(work, 0)
    except (IntegrityError, OperationalError, ProtectedError) as error:
        _try_later([user_id], error)
        return 0


def _due() -> QuerySet[Erasure]:
    return Erasure.objects.filter(due_at__lte=timezone.now()).order_by("due_at")


def _delete(user_id: int, *, skip_locked: bool) -> Iterator[int]:
    work = deletion_hooks.run_all(user_id)
    using = router.db_for_write(User)
    while True:
        with atomic_write(using):
            if not _lock(using, user_id, skip_locked=skip_locked):
                return
            if not (deleted := next(work, 0)):
                User.objects.filter(pk=user_id).delete()
                Erasure.objects.filter(pk=user_id, gone_at=None).update(gone_at=timezone.now())
        if not deleted:
            return
        yield deleted


def _lock(using: str, user_id: int, *, skip_locked: bool) -> bool:
    """Lock the mark of an account until the transaction ends; return False if another process has it, or is done."""
    skip_locked = skip_locked and connections[using].features.has_select_for_update_skip_locked
    rows = Erasure.objects.using(using).filter(pk=user_id, gone_at=None)
    return bool(rows.select_for_update(skip_locked=skip_locked))


def _try_later(user_ids: list[int], error: Exception) -> None:
    for each in Erasure.objects.filter(pk__in=user_ids):
        wait = timedelta(seconds=min(FIRST_RETRY_S * 2**each.failures, LAST_RETRY_S))
        Erasure.objects.filter(pk=each.pk).update(due_at=timezone.now() + wait, failures=each.failures + 1)
        logger.warning("The deletion of account %d is tried again later: %s", each.pk, error)


def delete_log_of(user_id: int) -> Iterator[int]:
    """Delete what the log of the admin has by a user, in chunks. Registered with users.deletion_hooks."""
    return in_chunks(LogEntry.objects.filter(user_id=user_id), by="pk")


# What is left when the account is gone.


def watch_users() -> None:
    """Follow every deletion of an account, by whatever code."""
    pre_delete.connect(_before_delete, sender=User, dispatch_uid="users.erasure")


def _before_delete(*, instance: User, using: str, **_: Any) -> None:
    """Note that Redis has to be purged, in the transaction of the deletion."""
    gone = {"username": instance.username, "gone_at": timezone.now(), "due_at": timezone.now(), "failures": 0}
    Erasure.objects.using(using).update_or_create(pk=instance.pk, defaults=gone)


def _purge_due() -> Iterator[int]:
    """Purge what is due: once at once, and once more when no reader is at work who may have filled an entry again."""
    while gone := list(_due().filter(gone_at__isnull=False)[:PURGED_TOGETHER]):
        try:
            _purge(gone)
        except (RedisError, OSError, OperationalError) as error:
            _try_later([each.pk for each in gone], error)
        yield len(gone)


def _purge(gone: list[Erasure]) -> None:
    late = timedelta(seconds=LATE_READERS_S)
    last = [each for each in gone if each.gone_at and each.gone_at < timezone.now() - late]
    purged = Erasure.objects.filter(pk__in=[each.pk for each in gone])
    forget_targets(router.db_for_write(User), "user", [each.pk for each in gone])
    for each in gone:  # of which rows without a constraint in the database may be left
        for _ in deletion_hooks.run_all(each.pk):
            pass
    discard_keys(keys for each in gone if each not in last for keys in _redis_keys(each))
    discard_keys((keys for each in last for keys in _redis_keys(each)), with_holds=True)
    purged.filter(pk__in=[each.pk for each in last]).delete()
    purged.update(due_at=F("gone_at") + late)


def _redis_keys(erasure: Erasure) -> Iterator[RedisKeys]:
    yield owned_keys(User, erasure.pk, {"username": erasure.username})
    scopes = (f"{prefix()}:throttle:{scope}:{erasure.pk}" for scope in throttles.rates())
    yield RedisKeys([*scopes, *deletion_hooks.redis_keys(erasure.pk)], [])
    account = f"{prefix()}:{login_throttle.account_key(erasure.username)}"
    yield RedisKeys([account], [f"{account}:"])

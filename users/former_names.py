"""Names that accounts had: for FORMER_NAME_DAYS nobody else can take one, so that nobody is taken for its owner.

A name is reserved in the transaction that gives it up, and looked for in the transaction that takes one, after the row
is written: whoever waited for the name in the unique index of accounts sees the reservation.
"""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

from django.db import connections, router
from django.db.models.signals import post_save, pre_delete
from django.utils import timezone

from jobs.deletion import CHUNK
from users.managers import many_written, renaming
from users.models import FormerName, User
from users.usernames import FORMER_NAME_DAYS, UsernameReserved, folded


def watch_users() -> None:
    """Connect the signals of all writes of users."""
    post_save.connect(_after_save, sender=User, dispatch_uid="users.former_names")
    pre_delete.connect(_before_delete, sender=User, dispatch_uid="users.former_names")
    renaming.connect(_before_renaming, sender=User, dispatch_uid="users.former_names")
    many_written.connect(_after_many, sender=User, dispatch_uid="users.former_names")


def sweep_expired() -> Iterator[int]:
    """Delete the reservations that have ended, in chunks. Registered with jobs.deletion."""
    ended = FormerName.objects.filter(reserved_until__lte=timezone.now())
    while names := list(ended.values_list("name", flat=True)[:CHUNK]):
        ended.filter(name__in=names).delete()
        yield len(names)


def _after_save(*, instance: User, created: bool, raw: bool, using: str, **_: Any) -> None:
    before, instance.former_name = instance.former_name, None
    if created:
        _take(using, {instance.pk: instance.username})
    elif before is not None and before != instance.username:
        _reserve(using, {instance.pk: before})
        _take(using, {instance.pk: instance.username})


def _before_delete(*, instance: User, using: str, **_: Any) -> None:
    _reserve(using, _names(using, [instance.pk]))


def _before_renaming(*, user_ids: Collection[int], **_: Any) -> None:
    using = router.db_for_write(User)
    _reserve(using, _names(using, user_ids))


def _after_many(*, user_ids: Collection[int], columns: Collection[str] | None, **_: Any) -> None:
    if columns is None or "username" in columns:
        using = router.db_for_write(User)
        _take(using, _names(using, user_ids))


def _names(using: str, user_ids: Collection[int]) -> dict[int, str]:
    return dict(User.objects.using(using).filter(pk__in=user_ids).values_list("pk", "username"))


def _reserve(using: str, names: dict[int, str]) -> None:
    until = timezone.now() + timedelta(days=FORMER_NAME_DAYS)
    has_target = connections[using].features.supports_update_conflicts_with_target
    FormerName.objects.using(using).bulk_create(
        [FormerName(name=folded(name), user_id=pk, reserved_until=until) for pk, name in names.items() if name],
        update_conflicts=True,
        update_fields=["user_id", "reserved_until"],
        unique_fields=["name"] if has_target else None,
    )


def _take(using: str, names: dict[int, str]) -> None:
    """Raise UsernameReserved if one of the names is reserved for somebody else; end the user's own reservations."""
    own = {folded(name): pk for pk, name in names.items()}
    held = dict(FormerName.objects.using(using).reserved(*own).values_list("name", "user_id"))
    for name, user_id in held.items():
        if own[name] != user_id:
            raise UsernameReserved("This username is taken.")
    if held:
        FormerName.objects.using(using).filter(name__in=held).delete()

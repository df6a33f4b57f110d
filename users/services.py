"""Writes of accounts and states. Each is one transaction; the cache follows by itself."""

from collections.abc import Iterator
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from users import deletion_hooks
from users.models import User, UserState


class UsernameTaken(Exception):
    """Somebody has this username, in whatever case."""


def register(*, username: str, password: str, nickname: str = "") -> User:
    """Raises UsernameTaken, also for the loser of a race for one name. Does not judge the password."""
    try:
        return User.objects.create_user(username, password, nickname=nickname)
    except IntegrityError:
        if User.objects.filter(username=username).exists():
            raise UsernameTaken(username) from None
        raise


def update_profile(user_id: int, **changes: Any) -> User:
    """Raises User.DoesNotExist."""
    return User.objects.update_one(user_id, **changes)


def set_state(user_id: int, **changes: str) -> UserState:
    """Changes `status` and `message` where given; any call counts as having been seen now.

    Raises UserState.DoesNotExist if there is no such user.
    """
    changes_now = {**changes, "last_seen_at": timezone.now()}
    try:
        return UserState.objects.update_one(user_id, **changes_now)
    except UserState.DoesNotExist:
        pass
    try:
        return UserState.objects.create_one(user_id=user_id, **changes_now)
    except IntegrityError:  # another request of the same user was the first, or the user is gone
        return UserState.objects.update_one(user_id, **changes_now)


def set_active(user_ids: list[int], *, active: bool) -> int:
    """Admit or shut out; returns how many accounts changed. Their tokens are refused from the commit on."""
    return User.objects.filter(pk__in=user_ids).exclude(is_active=active).update(is_active=active)


def delete_user(user_id: int) -> Iterator[int]:
    """Shuts the user out, then deletes what points at them in short transactions, then the account.

    Yields the number of rows after each of these; cut short, it goes on when it is called again. Nothing happens
    unless the iterator is used up.
    """
    set_active([user_id], active=False)
    yield from deletion_hooks.run_all(user_id)
    User.objects.filter(pk=user_id).delete()

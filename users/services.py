"""Writes of accounts and states. Each is one transaction, which updates the cache as well."""

from collections.abc import Iterator
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from api import generations
from users import deletion_hooks
from users.models import User, UserState


class UsernameTaken(Exception):
    """A user has this username, possibly in another case."""


def register(*, username: str, password: str, nickname: str = "") -> User:
    """Create an account; raise UsernameTaken, also after a race for one name. Does not validate the password."""
    try:
        return User.objects.create_user(username, password, nickname=nickname)
    except IntegrityError:
        if User.objects.filter(username=username).exists():
            raise UsernameTaken(username) from None
        raise


def update_profile(user_id: int, **changes: Any) -> User:
    """Change columns of an account; raise User.DoesNotExist."""
    return User.objects.update_one(user_id, **changes)


def set_state(user_id: int, **changes: str) -> UserState:
    """Change `status` and `message`, if given, and set `last_seen_at` to now.

    Raises UserState.DoesNotExist if there is no such user.
    """
    changes_now = {**changes, "last_seen_at": timezone.now()}
    try:
        return UserState.objects.update_one(user_id, **changes_now)
    except UserState.DoesNotExist:
        pass
    try:
        return UserState.objects.create_one(user_id=user_id, **changes_now)
    except IntegrityError:  # another request has inserted the row, or the user was deleted
        return UserState.objects.update_one(user_id, **changes_now)


def set_active(user_ids: list[int], *, active: bool) -> int:
    """Activate or deactivate accounts; return the number of changed ones. No token survives either."""
    # Activation ends tokens too: those of an account that was deactivated by a release that did not end them.
    changes = {"is_active": active, **generations.all_ended()}
    return User.objects.filter(pk__in=user_ids).exclude(is_active=active).update(**changes)


def delete_user(user_id: int) -> Iterator[int]:
    """Deactivate a user, then delete the rows that refer to the user in short transactions, then the account.

    Yields the number of rows that each transaction deleted. The caller must exhaust the iterator; an interrupted
    deletion continues with the next call.
    """
    set_active([user_id], active=False)
    yield from deletion_hooks.run_all(user_id)
    User.objects.filter(pk=user_id).delete()

"""Writes of accounts and states. Each is one transaction, which updates the cache as well."""

from collections.abc import Iterator
from typing import Any

from django.db import IntegrityError, router
from django.utils import timezone

from api import generations
from caching.api import atomic_write, is_passing
from users import erasure
from users.models import User, UserState
from users.usernames import UsernameReserved


class UsernameTaken(Exception):
    """A user has this username, possibly in another case, or had it until a short while ago."""


def register(*, username: str, password: str, nickname: str = "") -> User:
    """Create an account; raise UsernameTaken, also after a race for one name. Does not validate the password."""
    try:
        return User.objects.create_user(username, password, nickname=nickname)
    except UsernameReserved:
        raise UsernameTaken(username) from None
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
    except IntegrityError as error:
        if not is_passing(error):  # another request has inserted the row
            return UserState.objects.update_one(user_id, **changes_now)
        if User.objects.filter(pk=user_id).exists():
            raise  # the table of users is being changed
        raise UserState.DoesNotExist from None


def set_active(user_ids: list[int], *, active: bool) -> int:
    """Activate or deactivate accounts; return the number of changed ones. No token survives either.

    Accounts that are being deleted are not activated.
    """
    # Activation ends tokens too: those of an account that was deactivated by a release that did not end them.
    changes = {"is_active": active, **generations.all_ended()}
    with atomic_write(router.db_for_write(User)):
        users = User.objects.filter(pk__in=user_ids).exclude(is_active=active).select_for_update()
        pks = set(users.order_by("pk").values_list("pk", flat=True)) - set(erasure.being_erased(user_ids))
        return User.objects.filter(pk__in=pks).update(**changes)


def delete_user(user_id: int) -> Iterator[int]:
    """Delete an account: gone for everybody at once, then row by row in short transactions; see users/erasure.py.

    Yields the number of rows that each transaction deleted. What the caller leaves is deleted by `sweep_removed`.
    """
    erasure.mark([user_id])
    yield from erasure.delete(user_id)

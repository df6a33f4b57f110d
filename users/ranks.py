"""Ranks of accounts: who may manage whom in the admin."""

from enum import IntEnum
from typing import Any

from django.db.models import Q

MANAGED_BY_STAFF = Q(is_staff=False, is_superuser=False)
"""The condition on accounts that staff who are no superusers may manage."""


class Rank(IntEnum):
    """The ranks, from the lowest. A deactivated account keeps its rank."""

    USER = 0
    STAFF = 1
    SUPERUSER = 2


def rank_of(user: Any) -> Rank:
    """Return the rank of an account."""
    if user.is_superuser:
        return Rank.SUPERUSER
    return Rank.STAFF if user.is_staff else Rank.USER


def may_manage(actor: Any, user: Any) -> bool:
    """Return whether an actor may edit, deactivate or delete an account, or set its password.

    A superuser manages everybody, everybody else only who is of a lower rank.
    """
    return bool(actor.is_superuser) or rank_of(user) < rank_of(actor)

"""Demo data in batches; running it again adds what is missing and changes nothing else."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from users import demo
from users.indexing import keep_terms
from users.models import User, UserState

PASSWORD = "hotpath-demo"
ADMIN = "admin"
BATCH = 1_000


def seed(count: int) -> int:
    """The superuser and `count` demo users, all with PASSWORD; returns how many accounts were added.

    The hash is computed once and shared, salt and all: thousands of argon2 hashes would take minutes.
    """
    password_hash = make_password(PASSWORD)
    people = demo.people(count)
    added = _add([{"username": ADMIN, "nickname": "Admin", "is_staff": True, "is_superuser": True}], password_hash)
    while batch := list(islice(people, BATCH)):
        added += _add(batch, password_hash)
    return added


def _add(people: Iterable[dict[str, Any]], password_hash: str) -> int:
    with transaction.atomic():
        missing = _missing(people)
        columns = [{name: value for name, value in person.items() if name != "state"} for person in missing]
        User.objects.bulk_create([User(password=password_hash, **those) for those in columns])
        pks = _pks(missing)
        UserState.objects.bulk_create(
            [UserState(user_id=pks[person["username"]], **person["state"]) for person in missing if "state" in person]
        )
        keep_terms(pks.values())
    return len(missing)


def _missing(people: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {username.lower() for username in _pks(people)}
    return [person for person in people if person["username"] not in known]


def _pks(people: Iterable[dict[str, Any]]) -> dict[str, int]:
    names = [person["username"] for person in people]
    return dict(User.objects.filter(username__in=names).values_list("username", "pk"))


def example() -> str:
    """The username of the first demo user."""
    return next(demo.people(1))["username"]

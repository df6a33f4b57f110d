"""Demo data in batches; running it again adds what is missing and changes nothing else."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Max

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
        # Pks are chosen here: MySQL does not tell those of a multi-row INSERT, and rows would go one by one.
        first = (User.objects.aggregate(highest=Max("pk"))["highest"] or 0) + 1
        missing = dict(enumerate(_missing(people), first))
        User.objects.bulk_create(
            User(pk=pk, password=password_hash, **{name: value for name, value in person.items() if name != "state"})
            for pk, person in missing.items()
        )
        UserState.objects.bulk_create(
            UserState(user_id=pk, **person["state"]) for pk, person in missing.items() if "state" in person
        )
        keep_terms(missing.keys())
    return len(missing)


def _missing(people: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    known = User.objects.filter(username__in=[person["username"] for person in people])
    taken = {username.lower() for username in known.values_list("username", flat=True)}
    return [person for person in people if person["username"] not in taken]


def example() -> str:
    """The username of the first demo user."""
    return next(demo.people(1))["username"]

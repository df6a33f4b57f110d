"""Demo data in batches; running it again adds what is missing and changes nothing else.

Rooms above register what their people have and do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Max

from users import demo
from users.models import User, UserState

PASSWORD = "hotpath-demo"
ADMIN = "admin"
BATCH = 1_000

Seeder = Callable[[Sequence[int]], Mapping[str, int]]
_seeders: list[Seeder] = []


def register(seeder: Seeder) -> None:
    """`seeder(user_ids)` is given all demo users, in an order to which a later run may append, and tells how many rows
    of what it added: {"follows": 12}. To be called in AppConfig.ready()."""
    _seeders.append(seeder)


def seed(count: int) -> dict[str, int]:
    """`count` demo users and all that belongs to them; returns how many of what were added."""
    added = {"accounts": seed_users(count)}
    user_ids = _ids(demo.people(count))
    for seeder in _seeders:
        added.update(seeder(user_ids))
    return added


def seed_users(count: int) -> int:
    """The superuser and `count` demo users, all with PASSWORD; returns how many accounts were added.

    The hash is computed once and shared, salt and all: thousands of argon2 hashes would take minutes.
    """
    password_hash = make_password(PASSWORD)
    admin = {"username": ADMIN, "nickname": "Admin", "is_staff": True, "is_superuser": True}
    return _add([admin], password_hash) + sum(_add(batch, password_hash) for batch in _batches(demo.people(count)))


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
    return len(missing)


def _ids(people: Iterable[dict[str, Any]]) -> list[int]:
    found: list[int] = []
    for batch in _batches(people):
        names = [person["username"] for person in batch]
        users = User.objects.filter(username__in=names).values_list("username", "pk")
        ids = {username.lower(): user_id for username, user_id in users}
        found.extend(ids[name] for name in names)
    return found


def _batches(people: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    people = iter(people)
    while batch := list(islice(people, BATCH)):
        yield batch


def _missing(people: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    known = User.objects.filter(username__in=[person["username"] for person in people])
    taken = {username.lower() for username in known.values_list("username", flat=True)}
    return [person for person in people if person["username"] not in taken]


def example() -> str:
    """The username of the first demo user."""
    return next(demo.people(1))["username"]

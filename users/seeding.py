"""Demo data in batches. A second run adds what is missing and changes nothing else.

Each app registers a seeder for its own rows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Max

from users import demo
from users.models import FormerName, User, UserState

PASSWORD = "hotpath-demo"
ADMIN = "admin"
BATCH = 1_000

Row = TypeVar("Row")
Seeder = Callable[[Sequence[int]], Mapping[str, int]]
_seeders: list[Seeder] = []


def register(seeder: Seeder) -> None:
    """Register `seeder(user_ids)`, which returns the number of added rows by kind, such as {"follows": 12}.

    The seeder gets the ids of all demo users; a later run may append further ids. Call this in AppConfig.ready().
    """
    _seeders.append(seeder)


def seed(count: int, password: str = PASSWORD) -> dict[str, int]:
    """Add `count` demo users and all their data; return the number of added rows by kind."""
    added = {"accounts": seed_users(count, password)}
    user_ids = _ids(demo.people(count))
    for seeder in _seeders:
        added.update(seeder(user_ids))
    return added


def seed_users(count: int, password: str) -> int:
    """Add the superuser and `count` demo users, all with one password; return the number of added accounts.

    All accounts share one password hash, including its salt: thousands of Argon2 hashes would take minutes.
    """
    password_hash = make_password(password)
    admin = {"username": ADMIN, "nickname": "Admin", "is_staff": True, "is_superuser": True}
    return _add([admin], password_hash) + sum(_add(batch, password_hash) for batch in batches(demo.people(count)))


def _add(people: Iterable[dict[str, Any]], password_hash: str) -> int:
    with transaction.atomic():
        # Primary keys are chosen here, as MySQL does not return the keys of a multi-row INSERT.
        first = (User.objects.aggregate(highest=Max("pk"))["highest"] or 0) + 1
        missing = dict(enumerate(_missing(people), first))
        # Demo users who were deleted come back under their names.
        FormerName.objects.reserved(*(person["username"] for person in missing.values())).delete()
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
    for batch in batches(people):
        names = [person["username"] for person in batch]
        users = User.objects.filter(username__in=names).values_list("username", "pk")
        ids = {username.lower(): user_id for username, user_id in users}
        found.extend(ids[name] for name in names)
    return found


def batches(rows: Iterable[Row], size: int = BATCH) -> Iterator[list[Row]]:
    """Yield the rows in lists of `size`."""
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch


def _missing(people: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    known = User.objects.filter(username__in=[person["username"] for person in people])
    taken = {username.lower() for username in known.values_list("username", flat=True)}
    return [person for person in people if person["username"] not in taken]


def example_username() -> str:
    """Return the username of the first demo user."""
    return next(demo.people(1))["username"]

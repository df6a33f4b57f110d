"""The same exploration for an id set: writers add and remove different ids of one owner, and do not lock each other."""

from typing import Any

from django.db import connection, transaction

from caching import redis_client, store
from tests.caching.interleavings import LOCKING_STEP, Actor, Schedule
from tests.shelf.models import Loan, loans

READER = 7
THERE_BEFORE = 50


def check(actor: Actor) -> None:
    answers = loans.contains(READER, [THERE_BEFORE, *range(100, 104)])
    actor.saw = frozenset(book for book, there in answers.items() if there)


def add(actor: Actor) -> None:
    with transaction.atomic():
        Loan.objects.create(reader=READER, book=book_of(actor))
        actor.pause("commit")


def remove(actor: Actor) -> None:
    with transaction.atomic():
        Loan(pk=1, reader=READER, book=THERE_BEFORE).delete()
        actor.pause("commit")


LOCKING_STEP |= {add: "", remove: ""}


def book_of(actor: Actor) -> int:
    return 100 + int(actor.name[1:])


class SetSchedule(Schedule):
    def begin(self) -> None:
        self.commits = [frozenset({THERE_BEFORE})]
        self.key = loans.state_key(READER)
        redis_client().delete(self.key, self.members_key)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM shelf_loan")
            cursor.execute("INSERT INTO shelf_loan (id, reader, book) VALUES (1, %s, %s)", [READER, THERE_BEFORE])

    @property
    def members_key(self) -> str:
        return f"{self.key}:m"

    def written_by(self, actor: Actor) -> Any:
        return self.commits[-1] ^ {book_of(actor) if actor.body is add else THERE_BEFORE}

    def look(self) -> str:
        raw = redis_client().get(self.key)
        if raw is None or raw[0] == store.LEASE:
            return super().look()
        members = frozenset(map(int, redis_client().smembers(self.members_key)))
        if raw[0] == store.HOLD:
            return f"{super().look()}|{self.version(members) if b'|' in raw else ''}"
        return f"V{self.version(members)}" if members else ""

    def version(self, members: frozenset[int]) -> str:
        known = members - {0}
        return str(self.commits.index(known)) if known in self.commits and members else f"?{sorted(members)}"


class EvictingSchedule(SetSchedule):
    """Redis may throw the members away at any moment, the state alone being left."""

    def actions(self) -> list[tuple[str, int]]:
        evictable = [("evict", -1)] if redis_client().exists(self.members_key) else []
        return super().actions() + evictable

    def act(self, action: str, number: int) -> None:
        if action == "evict":
            redis_client().delete(self.members_key)
        else:
            super().act(action, number)

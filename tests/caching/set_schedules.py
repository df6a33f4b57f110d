"""Actors and schedules of one id set (see tests/caching/schedules.py).

Writers add and remove different ids and do not wait for each other's row locks.
"""

import itertools
from typing import Any

from django.db import connection, transaction

from caching.redis.client import redis_client
from tests.caching.actors import LOCKING_STEP, NONE, Actor
from tests.caching.schedules import NOBODY, Action, Schedule, State
from tests.support.id_set_members import members_among
from tests.testapp.models import Loan, loans

readers = itertools.count(7)
"""A new one for each schedule: what a DELETE leaves in the unique index until it is purged makes inserts wait."""
THERE_BEFORE = 50
SENTINEL = 0


def look(actor: Actor) -> None:
    answers = members_among(loans, SetSchedule.reader, [THERE_BEFORE, *range(100, 104)])
    actor.saw = frozenset(book for book, there in answers.items() if there)


def add(actor: Actor) -> None:
    with transaction.atomic():
        Loan.objects.create(reader=SetSchedule.reader, book=book_of(actor))
        actor.pause("commit")


def remove(actor: Actor) -> None:
    with transaction.atomic():
        Loan(pk=1, reader=SetSchedule.reader, book=THERE_BEFORE).delete()
        actor.pause("commit")


LOCKING_STEP |= {add: "", remove: ""}


def book_of(actor: Actor) -> int:
    return 100 + int(actor.name[1:])


class SetSchedule(Schedule):
    reader = 0

    def begin(self) -> None:
        SetSchedule.reader = next(readers)
        self.commits = [frozenset({THERE_BEFORE})]
        self.key = loans.state_key(SetSchedule.reader)
        redis_client().delete(self.key, self.members_key)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM testapp_loan")
            row = [SetSchedule.reader, THERE_BEFORE]
            cursor.execute("INSERT INTO testapp_loan (id, reader, book) VALUES (1, %s, %s)", row)

    @property
    def members_key(self) -> str:
        return f"{self.key}:m"

    def written_by(self, actor: Actor) -> Any:
        return self.commits[-1] ^ {book_of(actor) if actor.body is add else THERE_BEFORE}

    def look(self) -> None:
        with redis_client().pipeline(transaction=False) as pipe:
            raw, members = pipe.get(self.key).smembers(self.members_key).execute()
        self.entry = self.entry_of(raw)
        self.keeps = b"|" in (raw or b"")
        self.members = frozenset(map(int, members))
        usable = self.entry.kind == "V" and SENTINEL in self.members
        self.served = self.version_of(self.members - {SENTINEL}) if usable else NONE

    def state(self) -> State:
        """Members may be left over from earlier; the state contains which, and which actor has committed what."""
        there = [each in self.members for each in (SENTINEL, THERE_BEFORE)]
        return *super().state(), self.keeps, *there

    def place(self, number: int) -> State:
        if number == NOBODY:
            return ()
        actor = self.actors[number]
        return *super().place(number), actor.body.__name__, self.age(actor.version), book_of(actor) in self.members


class EvictingSchedule(SetSchedule):
    """Redis may evict the members at any moment and keep the set's state."""

    def actions(self) -> list[Action]:
        return super().actions() + ([("evict", NOBODY)] if self.members else [])

    def act(self, action: str, number: int) -> None:
        if action == "evict":
            redis_client().delete(self.members_key)
        else:
            super().act(action, number)


class HoldEvictingSetSchedule(EvictingSchedule):
    evicts_holds = True

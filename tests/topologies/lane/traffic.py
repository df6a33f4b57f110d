"""Requests and writes that go on while a test disturbs Redis; each answer is compared with what was written before."""

import asyncio
import random
import threading
from collections import Counter
from typing import Any

import msgspec

from tests.support.asgi_server import AsgiServer, Reply, login
from tests.support.polling import wait_until
from tests.support.threads import Task
from users.models import User

READERS = 6


class Traffic:
    """Readers on the hot lane, and a writer of the users' levels, from `with` to its end; then all of it was right.

    An answer may not be older than a write that was acknowledged before its request.
    """

    def __init__(self, lane: AsgiServer, caller: Any, users: list[Any]) -> None:
        self._lane, self._login, self.users = lane, login(caller), users
        self._written = {user.pk: user.level for user in users}
        self._is_over, self._may_write = threading.Event(), threading.Lock()
        self.answers = self.by_lane = self.writes = 0
        self.wrong: Counter[str] = Counter()

    def __enter__(self) -> "Traffic":
        self._tasks = [Task(self._read_all), Task(self._write)]
        self.go_on()
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_over.set()
        for task in self._tasks:
            task.result()
        if exc[0] is None:
            assert not self.wrong, self.wrong
            assert self.writes

    def go_on(self, answers: int = 300) -> None:
        """Wait until so many more requests are answered."""
        enough = self.answers + answers
        wait_until(lambda: self.answers >= enough)

    def wait_for_the_lane(self) -> None:
        """Wait until the lane alone has answered once for every user: more would need a rest from writes."""
        left = {user.pk for user in self.users}

        def is_all_answered() -> bool:
            left.difference_update([pk for pk in left if self._ask_in_thread(pk).by_lane])
            return not left

        wait_until(is_all_answered)

    def without_writes(self) -> threading.Lock:
        """Keep the writer waiting during the block."""
        return self._may_write

    def share_of_lane(self, users: list[Any], answers: int = 300) -> float:
        """Return which share of requests for these users, who are not written to, the lane answers."""
        replies = [self._ask_in_thread(random.choice(users).pk) for _ in range(answers)]
        return sum(reply.by_lane for reply in replies) / answers

    def _ask_in_thread(self, pk: int) -> Reply:
        return asyncio.run_coroutine_threadsafe(self._ask(pk), self._lane.loop).result(30)

    async def _ask(self, pk: int) -> Reply:
        floor = self._written[pk]
        reply = await self._lane.ask_in_loop(f"/api/v1/users/{pk}?fields=level", "GET", self._login, b"")
        self.answers += 1
        self.by_lane += reply.by_lane
        if reply.status != 200:
            self.wrong[f"status {reply.status}"] += 1
        elif msgspec.json.decode(reply.body)["level"] < floor:
            self.wrong["stale, by the lane" if reply.by_lane else "stale, by Django"] += 1
        return reply

    def _read_all(self) -> None:
        async def read() -> None:
            while not self._is_over.is_set():
                await self._ask(random.choice(self.users).pk)

        async def all_readers() -> None:
            await asyncio.gather(*(read() for _ in range(READERS)))

        asyncio.run_coroutine_threadsafe(all_readers(), self._lane.loop).result()

    def _write(self) -> None:
        while not self._is_over.wait(0.005):
            pk = random.choice(self.users).pk
            with self._may_write:
                level = self._written[pk] + 1
                User.objects.update_one(pk, level=level)
                self._written[pk] = level
                self.writes += 1

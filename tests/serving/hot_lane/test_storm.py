"""Behaviour 1 over HTTP: no answer of the hot lane or Django is older than a write acknowledged before the request."""

import asyncio
import random
import threading

import msgspec
import pytest

from caching.api import redis_client
from posts import services as posts
from posts.models import Post
from tests.support.asgi_server import login
from tests.support.polling import wait_until
from tests.support.threads import in_parallel
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE, WRITERS, READERS, WRITES, RESTS = 5, 3, 8, 50, 5
MOST = 2 * WRITERS * WRITES // PEOPLE  # the largest number of writes for one user


def rest(by_lane):
    """Wait for some answers of the hot lane: on a slow machine, writers without pauses leave it no hit."""
    enough = by_lane[0] + READERS
    wait_until(lambda: by_lane[0] > enough)


def storm(lane, write_one, read_one, evict):
    """Write and read at the same time: `write_one(n, number)` stores a higher number, `read_one(n)` reads it."""
    acknowledged, locks = [0] * PEOPLE, [threading.Lock() for _ in range(PEOPLE)]
    working, by_lane = [WRITERS], [0]

    def write():
        try:
            for done in range(WRITES):
                if done % (WRITES // RESTS) == 0:
                    rest(by_lane)
                n = random.randrange(PEOPLE)
                with locks[n]:
                    assert acknowledged[n] < MOST
                    write_one(n, acknowledged[n] + 1)
                    acknowledged[n] += 1
        finally:
            working[0] -= 1

    async def read():
        while working[0]:
            n = random.randrange(PEOPLE)
            floor = acknowledged[n]
            shown, reply = await read_one(n)
            assert shown >= floor
            by_lane[0] += reply.by_lane

    async def read_all():
        await asyncio.gather(*(read() for _ in range(READERS)))

    def readers():
        asyncio.run_coroutine_threadsafe(read_all(), lane.loop).result(60)

    def disturb():
        while working[0]:
            evict()
            threading.Event().wait(0.005)

    in_parallel(*[write] * WRITERS, readers, disturb)
    assert sum(acknowledged) == WRITERS * WRITES
    assert by_lane[0] > RESTS * READERS


def nothing():
    pass


def some_key():
    if key := redis_client().randomkey():
        redis_client().delete(key)


@pytest.mark.parametrize("evict", [nothing, some_key])
def test_rows(lane, alice, new_user, evict):
    people = [new_user(f"person_{n}", nickname="0") for n in range(PEOPLE)]
    own = login(alice)

    def write(n, number):
        User.objects.update_one(people[n].pk, nickname=str(number))

    async def read(n):
        path = f"/api/v1/users/{people[n].pk}"  # whose public JSON is remembered
        reply = await lane.ask_in_loop(f"{path}?fields=nickname" if n % 2 else path, headers=own)
        return int(msgspec.json.decode(reply.body)["nickname"]), reply

    storm(lane, write, read, evict)


@pytest.mark.parametrize("evict", [nothing, some_key])
def test_first_pages(lane, alice, bob, evict):
    """The number k is stored as the newest comment on the user's post."""
    commented = [posts.publish(author_id=bob.pk, text="x").pk for _ in range(PEOPLE)]
    own = login(alice)

    def write(n, number):
        posts.comment(post_id=commented[n], author_id=bob.pk, text=str(number))

    async def read(n):
        reply = await lane.ask_in_loop(f"/api/v1/posts/{commented[n]}/comments", headers=own)
        shown = [int(each["text"]) for each in msgspec.json.decode(reply.body)["results"]]
        assert shown == [*range(shown[0], 0, -1)][:20] if shown else True
        return max(shown, default=0), reply

    storm(lane, write, read, evict)


@pytest.mark.parametrize("evict", [nothing, some_key])
def test_id_sets(lane, alice, bob, evict):
    """The number k is stored as k favourites among the user's posts."""
    shelf = [[Post.objects.create(author_id=bob.pk, text="x").pk for _ in range(MOST)] for _ in range(PEOPLE)]
    own = login(alice)

    def write(n, number):
        posts.add_favorite(user_id=alice.pk, post_id=shelf[n][number - 1])

    async def read(n):
        ids = ",".join(map(str, shelf[n]))
        reply = await lane.ask_in_loop(f"/api/v1/favorites/check?ids={ids}", headers=own)
        return sum(msgspec.json.decode(reply.body)["results"].values()), reply

    storm(lane, write, read, evict)

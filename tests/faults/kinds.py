"""The kinds of faults, by name: each is a context manager that brings a fault about on an installation, and ends it."""

import contextlib
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import MySQLdb

from popups import eviction
from tests.faults.site import Site
from tests.faults.verdict import OLD_COPY
from tests.support.fault_proxy import Link
from tests.support.polling import wait_until

Kind = Callable[[Site, random.Random], AbstractContextManager[None]]
KINDS: dict[str, Kind] = {}
LONGEST_S = 3.0  # of one fault
POLICIES = (
    "noeviction",
    "volatile-lru",
    "volatile-ttl",
    "volatile-random",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
)
FULL_BYTES = 100_000  # more than there may be
LOADING = ("--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024")


def kind(name: str) -> Callable[[Callable[..., Iterator[None]]], Kind]:
    """Register a generator function as the kind of fault of this name."""

    def register(function: Callable[..., Iterator[None]]) -> Kind:
        KINDS[name] = contextmanager(function)
        return KINDS[name]

    return register


def last(chance: random.Random) -> None:
    """Let a fault last for a while."""
    time.sleep(chance.uniform(0.1, LONGEST_S))


# Redis.


@kind("Redis is killed")
def redis_killed(site: Site, chance: random.Random) -> Iterator[None]:
    site.redis.kill()
    last(chance)
    site.redis.start()
    yield


@kind("Redis hangs")
def redis_frozen(site: Site, chance: random.Random) -> Iterator[None]:
    site.redis.freeze()
    last(chance)
    site.redis.thaw()
    yield


@kind("Redis loads its data for long")
def redis_loading(site: Site, _: random.Random) -> Iterator[None]:
    site.redis.kill()
    site.redis.launch(*LOADING)
    wait_until(site.redis.answers)
    yield


@kind("Redis' disk is full")
def redis_disk_full(site: Site, chance: random.Random) -> Iterator[None]:
    if not site.redis_has_own_disk:
        print("Redis' disk is not filled up: no file system can be mounted here.")
    else:
        filler = site.redis.folder / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        last(chance)
        filler.unlink()
    yield


@kind(OLD_COPY)
def redis_from_old_copy(site: Site, chance: random.Random) -> Iterator[None]:
    kept, copy = site.redis.folder / "appendonlydir", site.folder / "copy"
    shutil.copytree(kept, copy)
    time.sleep(chance.uniform(1, 10))
    site.redis.kill()
    shutil.rmtree(kept)
    shutil.move(copy, kept)
    site.redis.start()
    yield


def _configured(option: str, value: str, before: str) -> Kind:
    @contextmanager
    def configured(site: Site, chance: random.Random) -> Iterator[None]:
        with site.redis.client() as client:
            client.config_set(option, value)
            try:
                last(chance)
                yield
            finally:
                client.config_set(option, before)

    return configured


KINDS["Redis has too few replicas to take writes"] = _configured("min-replicas-to-write", "1", "0")


@kind("Redis is a replica without its master")
def redis_read_only(site: Site, chance: random.Random) -> Iterator[None]:
    with site.redis.client() as client:
        client.replicaof("127.0.0.1", 1)  # nobody listens there
        last(chance)
        client.replicaof("NO", "ONE")
        yield


@kind("Redis refuses connections")
def redis_without_clients(site: Site, chance: random.Random) -> Iterator[None]:
    with site.redis.client() as client:
        client.ping()
        client.config_set("maxclients", 1)
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        last(chance)
        client.config_set("maxclients", 10_000)
        yield


def _full(policy: str) -> Kind:
    @contextmanager
    def full(site: Site, chance: random.Random) -> Iterator[None]:
        with site.redis.client() as client:
            client.config_set("maxmemory-policy", policy)
            client.config_set("maxmemory", "1gb")
            time.sleep(eviction.MAX_AGE_S + 1)  # all processes know the policy: under some no popup is shown
            if policy.startswith(eviction.UNSAFE):
                wait_until(site.is_drained)
            client.config_set("maxmemory", client.info("memory")["used_memory"] - FULL_BYTES)
            last(chance)
            client.config_set("maxmemory", 0)
            client.config_set("maxmemory-policy", "noeviction")
            yield

    return full


for _policy in POLICIES:
    KINDS[f"Redis is full ({_policy})"] = _full(_policy)


# The database.


@kind("the database is killed")
def database_killed(site: Site, chance: random.Random) -> Iterator[None]:
    site.kill_database()
    last(chance)
    site.start_database()
    yield


@kind("the database hangs")
def database_frozen(site: Site, chance: random.Random) -> Iterator[None]:
    os.kill(site.mariadb.pid, signal.SIGSTOP)
    last(chance)
    os.kill(site.mariadb.pid, signal.SIGCONT)
    yield


@kind("commits are stalled")
def commits_stalled(site: Site, chance: random.Random) -> Iterator[None]:
    yield from _with_links(site.database_links, chance, commit_delay_s=chance.uniform(0.5, 3))


@kind("answers to commits are lost")
def commits_unanswered(site: Site, chance: random.Random) -> Iterator[None]:
    yield from _with_links(site.database_links, chance, loses_commit_answers=True)


@kind("the database refuses connections")
def database_without_connections(site: Site, chance: random.Random) -> Iterator[None]:
    with site.transaction() as cursor:  # no other connection might be had
        cursor.execute("SET GLOBAL max_connections = 10")
        site.kill_connections(cursor)
        last(chance)
        cursor.execute("SET GLOBAL max_connections = 300")
    yield


@kind("the database is read-only")
def database_read_only(site: Site, chance: random.Random) -> Iterator[None]:
    site.sql("SET GLOBAL read_only = 1")
    last(chance)
    site.sql("SET GLOBAL read_only = 0")
    yield


@kind("the database's connections are killed")
def database_connections_killed(site: Site, chance: random.Random) -> Iterator[None]:
    with site.transaction() as cursor:
        for _ in range(5):
            site.kill_connections(cursor)
            time.sleep(chance.uniform(0, 0.3))
    yield


@kind("another program locks the same rows in another order")
def deadlocks(site: Site, chance: random.Random) -> Iterator[None]:
    ends = threading.Event()
    rival = threading.Thread(target=_lock_rows, args=(site, chance, ends))
    rival.start()
    last(chance)
    ends.set()
    rival.join()
    yield


def _lock_rows(site: Site, chance: random.Random, ends: threading.Event) -> None:
    users = [pk for (pk,) in site.sql("SELECT id FROM users_user ORDER BY id DESC LIMIT 6")]
    while not ends.is_set():
        with contextlib.suppress(MySQLdb.OperationalError), site.transaction() as cursor:
            for pk in chance.sample(users, 3):
                cursor.execute("SELECT id FROM users_user WHERE id = %s FOR UPDATE", [pk])
                cursor.execute("SELECT id FROM posts_post WHERE author_id = %s FOR UPDATE", [pk])
                time.sleep(0.01)


# The network.


def _with_links(links: dict[str, Link], chance: random.Random, **attributes: Any) -> Iterator[None]:
    before = {name: getattr(next(iter(links.values())), name) for name in attributes}
    for link in links.values():
        vars(link).update(attributes)
    last(chance)
    for link in links.values():
        vars(link).update(before)
    yield


@kind("Redis is slow")
def redis_slow(site: Site, chance: random.Random) -> Iterator[None]:
    yield from _with_links(site.redis_links, chance, delay_s=chance.uniform(0.02, 0.2))


@kind("the database is slow")
def database_slow(site: Site, chance: random.Random) -> Iterator[None]:
    yield from _with_links(site.database_links, chance, delay_s=chance.uniform(0.02, 0.2))


def _cut(choose: Callable[[Site], dict[str, Link]], *names: str, how: str = "cut") -> Kind:
    @contextmanager
    def cut(site: Site, chance: random.Random) -> Iterator[None]:
        links = [choose(site)[name] for name in names]
        for link in links:
            getattr(link, how)()
        last(chance)
        for link in links:
            link.heal()
        yield

    return cut


def _redis_links(site: Site) -> dict[str, Link]:
    return site.redis_links


def _database_links(site: Site) -> dict[str, Link]:
    return site.database_links


for _name in ("writer", "reader", "worker"):
    KINDS[f"{_name} and Redis are cut off"] = _cut(_redis_links, _name)
    KINDS[f"{_name} and the database are cut off"] = _cut(_database_links, _name)
KINDS["Redis is half dead"] = _cut(_redis_links, "writer", "reader", "worker")
KINDS["connections to Redis break"] = _cut(_redis_links, "writer", "reader", "worker", how="reset")


# Processes.


def _with_clock(name: str, shift_s: float) -> Kind:
    @contextmanager
    def wrong(site: Site, chance: random.Random) -> Iterator[None]:
        site.restart(name, CLOCK_SHIFT_S=str(shift_s))
        last(chance)
        site.restart(name)
        yield

    return wrong


KINDS["writer's clock is fast"] = _with_clock("writer", 5)
KINDS["writer's clock is slow"] = _with_clock("writer", -5)
KINDS["worker's clock is fast"] = _with_clock("worker", 5)
KINDS["worker's clock is slow"] = _with_clock("worker", -5)


def _restarted(name: str) -> Kind:
    @contextmanager
    def restarted(site: Site, _: random.Random) -> Iterator[None]:
        site.restart(name)
        yield

    return restarted


for _name in ("writer", "reader", "worker"):
    KINDS[f"{_name} is killed"] = _restarted(_name)


@kind("web workers are killed")
def web_workers_killed(site: Site, chance: random.Random) -> Iterator[None]:
    for _ in range(5):
        pid = chance.choice(site.web_workers(chance.choice(["writer", "reader"])) or [0])
        if pid:
            os.kill(pid, signal.SIGKILL)
        time.sleep(chance.uniform(0.1, 0.5))
    yield

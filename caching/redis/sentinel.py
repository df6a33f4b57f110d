"""Redis behind Sentinels, which tell which server is the master now.

CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache",
                      "LOCATION": "redis+sentinel://host:26379,host:26379/mymaster/0",
                      "OPTIONS": {"CONNECTION_FACTORY": "caching.redis.sentinel.SentinelConnectionFactory", …}}}

django-redis' own SentinelConnectionFactory with its SENTINELS will do as well.

The password is the servers'. Sentinels get it only if they ask for one, unless OPTIONS has SENTINEL_KWARGS.
One address book is shared by all threads and event loops of a process:

    book = address_book()
    book.master()              (host, port) as it was learned last; asks at the first use, and after lost()
    book.lost(address)         after a connection was lost, timed out, or answered READONLY: the next master() asks
    book.servers               how to connect: book.servers.connection(address), whose `ROLE` tells if it is a master

master() may wait for Sentinels, so an event loop calls it in a thread. It raises redis.ConnectionError if none knows.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django_redis.pool import ConnectionFactory
from redis import Redis, exceptions
from redis.sentinel import SentinelConnectionPool

from ..conf import clear_on_change, conf
from ..locations import FACTORIES, SENTINEL, Address, Location
from .nodes import Nodes, connection_factory, location_text, whole_location

OF_DJANGO_REDIS = "django_redis.pool.SentinelConnectionFactory"
"""That factory takes LOCATION "redis://service/0", and the addresses of the Sentinels as SENTINELS."""


class AddressBook:
    """Which server the Sentinels call the master; see the module."""

    def __init__(self, nodes: Nodes, options: Mapping[str, Any]) -> None:
        self.servers = nodes
        self._service = nodes.location.service
        self._sentinels = list(nodes.location.seeds)
        self._arguments = options.get("SENTINEL_KWARGS") or {}
        self._master: Address | None = None
        self._asking = threading.Lock()

    def master(self) -> Address:
        """Return the master's address."""
        known = self._master
        if known is not None:
            return known
        with self._asking:
            if self._master is None:
                self._master = self._ask()
            return self._master

    @property
    def known_master(self) -> Address | None:
        """The master's address, if it was learned and not lost."""
        return self._master

    def lost(self, address: Address) -> None:
        """Forget the master, if it is this one."""
        if self._master == address:
            self._master = None

    def discover_master(self, service_name: str) -> Address:
        """Return the master's address as the Sentinels tell it now; redis-py's pool calls this for each connection."""
        return self._ask()

    def _ask(self) -> Address:
        """Return what most Sentinels of the greatest epoch say; one that is cut off still tells of the past.

        One may tell of a dead server under the epoch of its successor: it led a failover to that server, which died
        before the failover was done, and the master before it took its place.
        """
        answers: Counter[tuple[int, Address]] = Counter()
        error: Exception | None = None
        pool = ThreadPoolExecutor(len(self._sentinels), "caching sentinels")
        for question in as_completed([pool.submit(self._answer_of, each) for each in self._sentinels]):
            try:
                answers[question.result()] += 1
            except (exceptions.RedisError, OSError) as failure:
                error = failure
            if sum(answers.values()) > len(self._sentinels) // 2 and len(_of_the_greatest_epoch(answers)) == 1:
                break  # a majority, of one mind: those that hang need not be waited for
        pool.shutdown(wait=False)
        if not answers:
            kind = type(error) if isinstance(error, exceptions.AuthenticationError) else exceptions.ConnectionError
            raise kind(f"no Sentinel tells who is the master of {self._service!r}: {error}") from error
        named = _of_the_greatest_epoch(answers)
        return max(named, key=lambda address: named[address])

    def _answer_of(self, sentinel: Address) -> tuple[int, Address]:
        without = {"username": None, "password": None, "credential_provider": None}
        try:
            return self._answer(sentinel, {**without, **self._arguments})
        except exceptions.AuthenticationError:
            if self._arguments:
                raise
            return self._answer(sentinel, {})

    def _answer(self, sentinel: Address, arguments: Mapping[str, Any]) -> tuple[int, Address]:
        connection = self.servers.connection(sentinel, **{"db": 0, "protocol": 2, **arguments})
        try:
            address = _ask(connection, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
            if address is None:
                text = f"the Sentinel at {sentinel[0]}:{sentinel[1]} watches no {self._service!r}"
                raise exceptions.ResponseError(text)
            about = _ask(connection, "SENTINEL", "MASTER", self._service)
        finally:
            with contextlib.suppress(Exception):
                connection.disconnect()
        epoch = dict(zip(about[::2], about[1::2], strict=False)).get(b"config-epoch", 0)
        return int(epoch), (address[0].decode(), int(address[1]))


def _of_the_greatest_epoch(answers: Mapping[tuple[int, Address], int]) -> dict[Address, int]:
    """Return the masters that were named with the greatest epoch, and how often each."""
    greatest = max(epoch for epoch, _ in answers)
    return {address: times for (epoch, address), times in answers.items() if epoch == greatest}


def _ask(connection: Any, *command: str) -> Any:
    connection.send_command(*command)
    return connection.read_response()


class SentinelConnectionFactory(ConnectionFactory):  # type: ignore[misc]
    """One client of the master per process, which asks the Sentinels for each connection that it makes."""

    _clients: dict[Location, Any] = {}

    def connect(self, url: str) -> Any:
        location = whole_location(url, self.options, SENTINEL)
        if location not in self._clients:
            nodes = Nodes(location, self.options)
            arguments = dict(nodes.connection_arguments)
            if nodes.location.scheme == "rediss":
                arguments["ssl"] = True
            book: Any = AddressBook(nodes, self.options)
            pool = SentinelConnectionPool(location.service, book, **arguments)  # type: ignore[no-untyped-call]
            self._clients[location] = Redis(connection_pool=pool)
        return self._clients[location]


@cache
def on_sentinel() -> bool:
    """Return whether Sentinels tell which server is the master."""
    return connection_factory(settings.CACHES.get(conf().alias, {})) in {FACTORIES[SENTINEL], OF_DJANGO_REDIS}


@cache
def address_book() -> AddressBook:
    """Return the address book of this process's Sentinels."""
    entry = settings.CACHES[conf().alias]
    options: Any = entry.get("OPTIONS", {})
    text = _with_sentinels(entry) if "SENTINELS" in options else location_text(entry)
    return AddressBook(Nodes(whole_location(text, options, SENTINEL), options), options)


def _with_sentinels(entry: Mapping[str, Any]) -> str:
    """Return a LOCATION as django-redis' own factory takes it, whose host is the service, with its SENTINELS."""
    url = urlsplit(location_text(entry))
    login, at, service = url.netloc.rpartition("@")
    sentinels = entry["OPTIONS"]["SENTINELS"]
    seeds = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in sentinels)
    return f"{url.scheme}+{SENTINEL}://{login}{at}{seeds}/{service}{url.path}"


clear_on_change("CACHES", on_sentinel, address_book)

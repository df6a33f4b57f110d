"""Reads and writes that tests of outages of Redis do, and what the database keeps for Redis meanwhile."""

import time

from caching.entries.rows import rows_of
from caching.models import PendingInvalidation
from tests.caching.statements import statements
from tests.support.polling import wait_until
from tests.testapp.models import Author, Book

DEADLINE_S = 0.5 + 0.25  # the timeouts of the settings, and half as much for a busy machine
UNKNOWN = 10**9


def waiting():
    return set(PendingInvalidation.objects.values_list("key", flat=True))


def key(author):
    return rows_of(Author).key(author.pk)


def served_until_the_cache_is_read_again(author):
    """Read until both reads come from the cache; return all names that were read."""
    names = set()

    def hit():
        with statements() as sql:
            names.add(Author.objects.get_one(author.pk).name)
            names.add(Author.objects.get_one(email="ann@example.com").name)
        return not sql

    wait_until(hit)
    return names


def timed(call):
    began = time.monotonic()
    return call(), time.monotonic() - began


READS = {
    "get_one": lambda ann: Author.objects.get_one(ann.pk).name,
    "get_one by value": lambda ann: Author.objects.get_one(email="ann@example.com").name,
    "get_one_cols": lambda ann: Author.objects.get_one_cols(ann.pk, "name")["name"],
    "get_some": lambda ann: Author.objects.get_some([UNKNOWN, ann.pk]).results[0].name,
    "hydrate": lambda ann: hydrated(ann).author.name,
}


WRITES = {
    "update_one": lambda ann: Author.objects.update_one(ann.pk, name="Anna"),
    "update": lambda ann: Author.objects.filter(pk=ann.pk).update(name="Anna"),
    "bulk_update": lambda ann: Author.objects.bulk_update([Author(pk=ann.pk, name="Anna")], ["name"]),
    "save": lambda ann: Author(pk=ann.pk, name="Anna", email="ann@example.com").save(),
}


def hydrated(ann):
    book = Book(author_id=ann.pk)
    Book.objects.hydrate([book], "author")
    return book

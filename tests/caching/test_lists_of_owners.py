"""The lists of many owners: few are decoded, all that matter are found, and few statements load them."""

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from caching.protocol import steps
from caching.reading.batch import Batch
from caching.redis.client import redis_client
from caching.testutils import redis_usage
from tests.testapp.models import Note, open_notes

OWNERS, MOST = range(1, 31), 5


@pytest.fixture
def notes():
    """Notes of thirty readers, of whom some have many and some none."""
    seeded = random.Random(5)
    readers = seeded.choices(OWNERS, weights=[1 / owner for owner in OWNERS], k=120)
    Note.objects.bulk_create([Note(reader=reader, is_open=seeded.random() < 0.9) for reader in readers])


def read(owners=OWNERS):
    batch = Batch()
    lists = batch.add(open_notes.of_each(owners))
    batch.run()
    return lists


def truth():
    """Return {reader: (newest ids, whether these are all)} of readers who have any."""
    found = {}
    for reader, pk in Note.objects.filter(is_open=True).order_by("-pk").values_list("reader", "pk"):
        found.setdefault(reader, []).append(pk)
    return {reader: (tuple(ids[: open_notes.newest]), len(ids) < open_notes.newest) for reader, ids in found.items()}


def test_all_lists_that_matter_are_found(notes):
    whole = truth()
    for _ in range(2):  # loaded, then cached
        lists = read()
        for below in (None, *range(0, Note.objects.latest("pk").pk + 2, 7)):
            found = lists.reaching(MOST, below)
            assert all(whole[owner] == tuple(listed) for owner, listed in found.items())
            begins = {owner: ids[0] for owner, (ids, _) in whole.items()}
            under = sorted((first for first in begins.values() if below is None or first < below), reverse=True)[:MOST]
            wanted = {o for o, first in begins.items() if first in under or (below is not None and first >= below)}
            assert set(found) == wanted, below


def test_of_nobody_and_of_nothing(notes):
    assert read([]).reaching(MOST) == {}
    assert read([10**9, 10**9 + 1]).reaching(MOST) == {}


@pytest.mark.one_redis
def test_a_hit_is_one_command_and_a_load_is_one_query_for_a_hundred(notes):
    owners = range(1, 251)
    with CaptureQueriesContext(connection) as queries, redis_usage() as usage:
        read(owners)
    assert (len(queries), usage.commands) == (3, 3)
    with CaptureQueriesContext(connection) as queries, redis_usage() as usage:
        read(owners)
    assert (len(queries), usage.commands) == (0, 1)


@pytest.mark.one_redis
@pytest.mark.parametrize("damaged", [b"V", b"Vxxxxxxxx\x90", b"N", b"nonsense", b"a", b"z"])
@pytest.mark.parametrize("owner", [1, 15, 30])
def test_one_entry_among_many_that_cannot_be_read_is_replaced(notes, damaged, owner):
    whole = {owner: tuple(listed) for owner, listed in read().reaching(len(OWNERS)).items()}
    assert whole == truth()
    redis_client().set(open_notes.key(owner), damaged)
    assert {owner: tuple(listed) for owner, listed in read().reaching(len(OWNERS)).items()} == whole
    assert redis_client().get(open_notes.key(owner))[0] == steps.VALUE

"""Behaviour 13: no kind of read mistakes a lease or a hold for a value."""

import pytest

from caching.conf import conf
from caching.entries.lookup import Lookup
from caching.entries.rows import rows_of
from caching.protocol.steps import new_token
from caching.reading import stats
from caching.reading.batch import Batch
from caching.redis.client import redis_client
from tests.caching.entry_state import lookup_state, state
from tests.testapp.models import Author, Book, Penname

READS = {
    "get_one": lambda ann, book: Author.objects.get_one(ann.pk).name,
    "get_one by value": lambda ann, book: Author.objects.get_one(email="ann@example.com").name,
    "get_one_cols": lambda ann, book: Author.objects.get_one_cols(ann.pk, "name")["name"],
    "get_some": lambda ann, book: Author.objects.get_some([ann.pk]).results[0].name,
    "get_some_cols": lambda ann, book: Author.objects.get_some_cols([ann.pk]).results[0]["name"],
    "proxy": lambda ann, book: Penname.objects.get_one(ann.pk).name,
    "hydrate": lambda ann, book: hydrated(book).author.name,
    "batch": lambda ann, book: batched(ann).instance(ann.pk).name,
}


def hydrated(book):
    books = [Book(author_id=book.author_id)]
    Book.objects.hydrate(books, "author")
    return books[0]


def batched(ann):
    batch = Batch()
    rows = batch.rows(Author, [ann.pk])
    batch.run()
    return rows


@pytest.fixture
def book(ann):
    return Book.objects.create_one(title="One", author=ann)


@pytest.fixture(params=["lease", "hold", "two holds"])
def placeholder(request):
    claim = new_token().encode() + (b"%013d" % 9_999_999_999_999)
    return {
        "lease": b"L" + new_token().encode(),
        "hold": b"H" + claim,
        "two holds": b"H" + claim + new_token().encode() + (b"%013d" % 9_999_999_999_999),
    }[request.param]


@pytest.mark.parametrize("read", READS)
def test_placeholders_are_never_values(ann, book, read, placeholder, settings):
    settings.CACHING = {**settings.CACHING, "LEASE_MS": 30}
    keys = [rows_of(Author).key(ann.pk), Lookup(Author, "email").key("ann@example.com")]
    for key in keys:
        redis_client().set(key, placeholder)
    assert READS[read](ann, book) == "Ann"
    assert [redis_client().get(key) for key in keys] == [placeholder] * 2


@pytest.mark.parametrize("claim", [b"0" * 28 + b"1", b"x" * 29, b""], ids=["past", "corrupt", "empty"])
@pytest.mark.parametrize("read", [read for read in READS if read != "get_one by value"])
def test_the_hold_of_a_dead_writer_is_no_value_and_is_replaced(ann, book, read, claim):
    key = rows_of(Author).key(ann.pk)
    redis_client().set(key, b"H" + claim)
    assert READS[read](ann, book) == "Ann"
    assert state(ann) == "value"


def test_a_value_can_never_look_like_a_placeholder(ann):
    """The first byte of an entry is its state, whatever the row contains."""
    for name in ("", "L", "H", "N", "L" + "0" * 16, "H" + "0" * 29, "\x00", "V"):
        Author.objects.update_one(ann.pk, name=name)
        assert Author.objects.get_one_cols(ann.pk, "name") == {"name": name}
        assert state(ann) == "value"
    assert lookup_state(Author, "email", "nobody") == "absent"


def test_nothing_is_not_mistaken_for_a_value_or_a_miss():
    for _ in range(2):
        assert Author.objects.get_some_cols([5]) == ([], [5])
    assert state(Author(pk=5)) == "nothing"


@pytest.mark.one_redis
def test_what_operators_are_told_of_each_state(ann):
    key = rows_of(Author).key(ann.pk)
    assert Author.objects.cache_entry(ann.pk) == f"{key} is absent: the next reader loads it from the database."
    Author.objects.get_one(ann.pk)
    assert Author.objects.cache_entry(ann.pk).startswith(f"{key} has a value: id={ann.pk}, name='Ann'")
    assert "expires in" in Author.objects.cache_entry(ann.pk)
    for entry, words in {
        b"L" + new_token().encode(): "is being loaded by a reader",
        b"H" + b"x" * 58: "is held by 2 writer(s)",
        b"N": "says that there is no such row",
        b"Vold": "has an entry of another version",
    }.items():
        redis_client().set(key, entry, px=5_000)
        assert words in Author.objects.cache_entry(ann.pk)


@pytest.mark.one_redis
def test_statistics_tell_what_happened_per_model(ann, bea, settings):
    stats_before = counts()
    Author.objects.get_some([ann.pk, bea.pk, 10**9])  # three misses
    Author.objects.get_some([ann.pk, bea.pk, 10**9])  # three hits
    redis_client().set(rows_of(Author).key(ann.pk), b"H" + b"x" * 16 + b"9" * 13)
    redis_client().set(rows_of(Author).key(bea.pk), b"L" + b"x" * 16)
    settings.CACHING = {**settings.CACHING, "LEASE_MS": 20}  # not before: a slow fill would come too late
    Author.objects.get_some([ann.pk, bea.pk])  # one is held; the other's lease is waited for until the time limit
    assert conf().lease_ms == 20
    delta = {event: count - stats_before.get(event, 0) for event, count in counts().items()}
    assert {event: count for event, count in delta.items() if count} == {
        "misses": 3, "hits": 3, "bypasses": 2, "waits": 1,
    }  # fmt: skip
    assert set(stats.snapshot()) >= {"testapp.author"}


def counts():
    return dict(stats.snapshot().get("testapp.author", {}))

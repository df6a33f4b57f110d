"""Rows that a process remembers by their entries, and texts that it remembers by the rows."""

import datetime
import threading

import pytest

from api.fragments import Fragments
from caching.entries.remembered import RememberedRows
from caching.entries.rows import rows_of
from caching.protocol.codec import NOTHING, Stale
from caching.recent import HitRate, Recent
from tests.support.threads import in_parallel
from users.models import User
from users.projections import PUBLIC

pytestmark = pytest.mark.django_db(transaction=True)
WHEN = datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)


class Decoder:
    """Decodes entries as the rows of users are, and remembers which."""

    def __init__(self):
        self.decoded = []

    def __call__(self, identity, entry):
        self.decoded.append(identity)
        return rows_of(User).codec.entry.decode(identity, entry)


def entry_of(number):
    user, codec = User(id=number, gender="female", created_at=WHEN), rows_of(User).codec
    return codec.encode(codec.row([getattr(user, name) for name in codec.columns]))


@pytest.fixture
def decoder():
    return Decoder()


def test_an_entry_is_decoded_once_and_every_other_one_too(decoder):
    rows = RememberedRows(decoder, None, 10)
    entries = [entry_of(number) for number in (1, 2, 3)]
    first = rows.decode_all([1, 2, 3], entries)
    assert [row.id for row in first] == [1, 2, 3]
    again = rows.decode_all([1, 2, 3, 4], [*map(bytes, map(bytearray, entries)), entry_of(4)])
    assert [row.id for row in again] == [1, 2, 3, 4]
    assert all(row is other for row, other in zip(first, again, strict=False))
    assert rows.decode(3, entries[2]) is first[2]
    assert decoder.decoded == [1, 2, 3, 4]


def test_nothing_and_what_is_no_row_are_not_remembered(decoder):
    rows = RememberedRows(decoder, None, 10)
    for _ in range(2):
        assert rows.decode_all([1, 2], [NOTHING, entry_of(2)])[0] is None
        for entry in (b"", b"H" + b"a" * 29, entry_of(1)[:-1], b"V" + b"x" * 20):
            with pytest.raises(Stale):
                rows.decode_all([1, 2], [entry_of(1), entry])
    assert decoder.decoded.count(2) == 1 + 2 * 4  # the row once, and each entry that is none


def test_few_rows_are_remembered(decoder):
    rows = RememberedRows(decoder, None, 10)
    for number in range(1, 100):
        assert rows.decode(1, entry_of(1)).id == 1
        assert rows.decode(number, entry_of(number)).id == number
        assert rows._rows.kept() <= 11
    assert decoder.decoded.count(1) == 1


def test_a_text_belongs_to_its_row():
    """Also where a row has the address in memory that another one had."""
    texts = Fragments(*PUBLIC)
    for number in range(1, 1_000):
        row = rows_of(User).codec.entry.decode(0, entry_of(number))
        (text,) = texts.of([row])
        assert bytes(text).startswith(b'{"id":%d,' % number)


def test_threads_that_share_what_is_recent_get_no_value_of_another_key():
    recent, barrier = Recent(64), threading.Barrier(4)

    def work():
        barrier.wait()
        for number in range(20_000):
            key = number % 200
            assert recent[key] in (None, -key)
            recent.put(key, -key)

    in_parallel(*[work] * 4)
    assert recent.kept() <= 64 + 4


def test_answers_come_in_the_order_of_the_entries_whichever_are_remembered(decoder):
    together = RememberedRows(decoder, rows_of(User).codec.entry.decode_all, 10)
    for rows in (RememberedRows(decoder, None, 10), together):
        rows.decode_all([1, 3], [entry_of(1), entry_of(3)])
        found = rows.decode_all([4, 3, 2, 1], [entry_of(4), entry_of(3), NOTHING, entry_of(1)])
        assert [row and row.id for row in found] == [4, 3, None, 1]


def test_a_memory_that_has_little_of_what_is_asked_is_left_alone_for_a_while():
    rate, size = HitRate(10), 10

    def fill_and_ask(hits):
        rate.note(HitRate.FILLING * size, 0)  # an empty memory is not judged
        assert not rate.is_paused(1)
        rate.note(size, hits)

    fill_and_ask(hits=size // 2 - 1)
    assert rate.is_paused(HitRate.PAUSE * size - 1)
    assert rate.is_paused(1)
    fill_and_ask(hits=size // 2)
    rate.note(size, size // 2)  # a full one goes on
    assert not rate.is_paused(1)
    rate.note(size, size // 2 - 1)
    assert rate.is_paused(1)

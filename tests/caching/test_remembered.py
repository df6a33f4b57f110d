"""Rows that a process remembers by their entries: the same answers as without, and a pause where it does not pay."""

import pytest

from caching.entries.remembered import RememberedRows
from caching.extend import Stale
from caching.recent import HitRate

NOTHING, BAD = b"nothing", b"bad"


def decode(identity, entry):
    if entry == BAD:
        raise Stale
    return None if entry == NOTHING else (identity, entry)


@pytest.mark.parametrize("together", [None, lambda identities, entries: list(map(decode, identities, entries))])
def test_answers_are_those_of_decoding_in_their_order(together):
    rows = RememberedRows(decode, together, 100)
    first = rows.decode_all([1, 2, 3], [b"a", NOTHING, b"c"])
    again = rows.decode_all([4, 3, 2, 1], [b"d", b"c", NOTHING, b"a"])

    assert first == [(1, b"a"), None, (3, b"c")]
    assert again == [(4, b"d"), (3, b"c"), None, (1, b"a")]
    assert again[1] is first[2]
    assert rows.decode(1, b"a") is first[0]
    with pytest.raises(Stale):
        rows.decode_all([1, 2], [b"a", BAD])


def test_a_memory_that_has_little_of_what_is_asked_is_left_alone_for_a_while():
    rate = HitRate()
    rate.note(HitRate.SAMPLE, HitRate.SAMPLE // 2 - 1)

    assert rate.is_paused(HitRate.PAUSE - 1)
    assert rate.is_paused(1)
    assert not rate.is_paused(1)
    rate.note(HitRate.SAMPLE, HitRate.SAMPLE // 2)
    assert not rate.is_paused(1)

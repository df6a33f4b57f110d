"""Packed ids: what is packed is unpacked, and lists compare as their first ids do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caching.entries.packed_ids import is_packed, pack, unpack

POSITIVE = st.one_of(st.integers(0, 300), st.integers(0, 2**33), st.integers(0, 2**64 - 1))
NEWEST_FIRST = st.lists(POSITIVE, max_size=20, unique=True).map(lambda ids: sorted(ids, reverse=True))


@given(st.one_of(st.lists(POSITIVE), st.lists(st.integers(-(2**63), 2**63 - 1))))
def test_what_is_packed_is_unpacked(ids):
    assert [*unpack(pack(ids))] == ids
    assert is_packed(pack(ids))


@given(NEWEST_FIRST, NEWEST_FIRST)
def test_lists_compare_as_their_first_ids_do(one, other):
    if one[:1] != other[:1]:
        assert (pack(one) < pack(other)) == (one[:1] < other[:1])


@given(NEWEST_FIRST, POSITIVE)
def test_a_list_that_begins_at_an_id_is_not_less_than_this_id_alone(ids, bound):
    assert (pack(ids) >= pack([bound])) == (ids[:1] >= [bound])


@pytest.mark.parametrize("ids", [[2**64], [-1, 2**63], [-(2**63) - 1]])
def test_what_no_column_has_is_refused(ids):
    with pytest.raises(OverflowError, match="no ids of eight bytes"):
        pack(ids)


@pytest.mark.parametrize("text", [b"I", b"I123", b"Q1234", b"x1234", b"\x90"])
def test_other_bytes_are_no_ids(text):
    assert not is_packed(text)

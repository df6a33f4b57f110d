"""Merging lists that end somewhere gives the page that the whole lists would give, once what has ended is read on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caching.api import Listed
from posts.feed import merging

NEWEST = 4


@pytest.fixture(autouse=True)
def start():
    """Take the place of the folder's fixture, as no server is needed."""


@st.composite
def lists_of_owners(draw):
    """Draw {owner: all its ids, newest first}; each id has one owner."""
    ids = draw(st.lists(st.integers(1, 200), unique=True, max_size=60))
    owners = [draw(st.integers(1, 9)) for _ in ids]
    whole = {owner: [] for owner in owners}
    for id_, owner in sorted(zip(ids, owners, strict=True), reverse=True):
        whole[owner].append(id_)
    return whole


def known(whole):
    return {owner: Listed(ids[:NEWEST], len(ids) < NEWEST) for owner, ids in whole.items()}


def read_on(whole, ended, size, *, upwards):
    """Return what the database says of the lists that have ended."""
    found = {}
    for owner, start in ended.items():
        ids = sorted(id_ for id_ in whole[owner] if (id_ > start if upwards else id_ < start))
        found.update(dict.fromkeys(ids[:size] if upwards else ids[::-1][:size], owner))
    return found


def truth(whole, start, size, *, upwards):
    ids = {id_: owner for owner, ids in whole.items() for id_ in ids}
    beyond = {id_: owner for id_, owner in ids.items() if start is None or (id_ > start if upwards else id_ < start)}
    return merging.page(beyond, size, upwards=upwards), ids


@given(lists_of_owners(), st.one_of(st.none(), st.integers(0, 201)), st.integers(1, 12))
def test_a_page_downwards(whole, start, size):
    owners, ended = merging.down(known(whole), start, size)
    found = merging.page(owners | read_on(whole, ended, size, upwards=False), size)
    expected, of = truth(whole, start, size, upwards=False)
    assert found == expected
    assert all(owners[id_] == of[id_] for id_ in owners)


@given(lists_of_owners(), st.integers(0, 201), st.integers(1, 12))
def test_a_page_upwards(whole, start, size):
    owners, ended = merging.up(known(whole), start)
    found = merging.page(owners | read_on(whole, ended, size, upwards=True), size, upwards=True)
    assert found == truth(whole, start, size, upwards=True)[0]


@given(lists_of_owners(), st.integers(1, NEWEST))
def test_the_first_page_asks_nobody(whole, size):
    assert not merging.down(known(whole), None, size).ended


@given(lists_of_owners(), st.integers(0, 201), st.integers(1, 12))
def test_few_lists_have_ended_above_a_page(whole, start, size):
    """Each has as many ids above the end of the page as a list has, so there are no more than the page is deep."""
    expected, _ = truth(whole, start, size, upwards=False)
    last = expected[-1] if len(expected) == size else 0
    above = sum(id_ >= last for ids in whole.values() for id_ in ids)
    assert len(merging.down(known(whole), start, size).ended) <= above / NEWEST

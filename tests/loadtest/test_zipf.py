"""Ids are drawn by Zipf's law."""

from collections import Counter

import pytest

from loadtest.load.zipf import Zipf


def test_the_hottest_id_is_drawn_as_often_as_zipf_says():
    ids = range(1, 1_001)
    drawn = Counter(Zipf(ids, seed=1).draw(50_000))
    (_, first), (_, second) = drawn.most_common(2)
    assert first / 50_000 == pytest.approx(1 / sum(1 / rank for rank in ids), rel=0.05)
    assert first / second == pytest.approx(2, rel=0.1)
    assert drawn.keys() <= set(ids)


def test_the_same_seed_draws_the_same_ids():
    assert Zipf(range(1, 100), seed=5).draw(20) == Zipf(range(1, 100), seed=5).draw(20)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1_000])
def test_every_id_has_a_rank(size):
    assert sorted(Zipf(range(size)).draw_distinct(size)) == list(range(size))


def test_a_feed_has_15_to_50_different_ids():
    feeds = [Zipf(range(1, 501), seed=seed).draw_feed() for seed in range(50)]
    assert all(15 <= len(feed) == len(set(feed)) <= 50 for feed in feeds)


def test_fewer_ids_than_a_feed_shows():
    assert sorted(Zipf([4, 9]).draw_feed()) == [4, 9]


def test_no_ids():
    with pytest.raises(ValueError, match="seed the database"):
        Zipf([])

"""The people of the benchmark's sessions."""

from statistics import mean, median

from loadtest.bench.seed_sessions import AUTHORS, FEW_CALLERS, FOLLOWS, MOST_FOLLOWS, SessionTables, follows_of
from loadtest.load.zipf import Zipf

USERS = 20_000


def test_a_user_follows_200_others_on_average_with_a_long_tail():
    follows = [follows_of(user, USERS) for user in range(1, USERS + 1)]
    assert set(follows[:FEW_CALLERS]) == {FOLLOWS}
    assert 190 < mean(follows) < 210
    assert median(follows) < 0.6 * FOLLOWS
    assert sum(count >= 2_000 for count in follows) > 50
    assert max(follows) == MOST_FOLLOWS


def test_the_owners_of_home_pages_are_the_most_popular_users():
    owners = SessionTables("few_rows", USERS, 10_000).owners
    assert len(set(owners)) == AUTHORS
    drawn = Zipf(range(1, USERS + 1), seed=1).draw(10_000)
    assert drawn.count(owners[0]) > 3 * drawn.count(owners[9]) > 0

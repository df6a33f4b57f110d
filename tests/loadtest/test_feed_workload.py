"""The workload of the section `favorites`."""

from loadtest.baselines import sharding
from loadtest.bench.feed_workload import SAMPLED_SHARD, Community


def test_a_week_has_checks_of_the_newest_posts_by_one_shard():
    community = Community(users=200, days=7)
    slices = list(community.slices())
    assert [len(each) for each in slices] == [10] * 14
    checks = [check for each in slices for check in each]
    assert {check.user_id for check in checks} <= set(community.readers)
    assert {sharding.shard_of(reader) for reader in community.readers} == {SAMPLED_SHARD}
    assert all(15 <= len(check.post_ids) <= 50 for check in checks)
    newest = [check.post_ids[0] for check in checks]
    assert newest == sorted(newest)
    assert (newest[0], newest[-1] <= community.posts) == (28 * 100, True)

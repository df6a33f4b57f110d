"""The management commands of the baselines."""

import io
import json

import pytest
from django.core.management import call_command

from loadtest.baselines.management.commands import cursors_of_followers, time_counts
from loadtest.baselines.management.commands.write_follows import FollowTask
from social import services
from tests.loadtest.seeded_users import USER_COUNT

ORDINARY, OTHERS = 1, range(2, USER_COUNT)


@pytest.fixture
def celebrity(site):
    """Let all OTHERS follow one user, one after the other, and return the user's id."""
    for number in OTHERS:
        services.follow(follower_id=number, followee_id=USER_COUNT)
    return USER_COUNT


def printed(command, *arguments, **options):
    output = io.StringIO()
    call_command(command.Command(), *map(str, arguments), stdout=output, **options)
    return output.getvalue()


def test_a_cursor_leads_to_the_page_at_its_depth(get, celebrity):
    ids = [user["id"] for user in get(f"/api/v1/users/{celebrity}/followers")["results"]]
    assert ids == list(OTHERS)[::-1][:20]
    cursors = printed(cursors_of_followers, celebrity, 10, 33).split()
    for depth, cursor in zip((10, 33), cursors, strict=True):
        page = get(f"/api/v1/users/{celebrity}/followers?cursor={cursor}")
        assert [user["id"] for user in page["results"]] == list(OTHERS)[::-1][depth : depth + 20]


def test_all_variants_count_the_same(celebrity):
    found = json.loads(printed(time_counts, celebrity, ORDINARY, rounds=2, seconds=0.01))
    assert found.keys() == time_counts.VARIANTS.keys()
    for variant in found.values():
        assert [each["count"] for each in variant[str(celebrity)]] == [len(OTHERS)] * 2
        assert all(each["seconds"] >= 0.01 and each["latencies_ms"] for each in variant[str(celebrity)])


@pytest.mark.parametrize("shift", [1, 7, 11])
def test_writers_share_the_followers_and_no_user_follows_itself(shift):
    tasks = [FollowTask(first, 3, users=12, shift=shift, celebrity=None, begins_at=0, seconds=1) for first in (1, 2, 3)]
    pairs = [pair for task in tasks for pair in task.pairs()]
    assert sorted(follower for follower, _ in pairs) == sorted(followee for _, followee in pairs) == list(range(1, 13))
    assert all(follower != followee for follower, followee in pairs)
    assert {followee for _, followee in tasks[0]._replace(celebrity=99).pairs()} == {99}

"""Budgets of follows and blocks in SQL, round trips and commands; they do not grow with the number of users."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from caching.testutils import redis_usage
from social import services
from social.models import Block, Follow
from tests.support.budgets import PAIR_LOCK, budget, measure, rows_read
from tests.support.empty_redis import empty_redis
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crowd(new_user, alice):
    people = [new_user(f"crowd_{number}") for number in range(100)]
    for person in people:
        Follow.objects.create(follower=person, followee=alice)
    for person in people[:50]:
        Follow.objects.create(follower=alice, followee=person)
    return people


def ids(people) -> str:
    return ",".join(str(person.pk) for person in people)


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize(("endpoint", "commands"), [("relationships", 2), ("users/profiles", 2)])
def test_relationships_and_profiles_are_one_round_trip(api, alice, crowd, endpoint, commands, count):
    """One MGET for rows and counts; one check for each of the four sets."""
    address = f"{endpoint}?ids={ids(crowd[:count])}"
    first = api.get(address, by=alice)
    with budget(sql=0, round_trips=1, commands=commands):
        assert api.get(address, by=alice).bytes == first.bytes
    assert len(first.json["results"]) == count


@pytest.mark.parametrize("count", [1, 100])
def test_cold_relationships_cost_the_same_for_any_number(api, alice, crowd, count):
    empty_redis()
    with CaptureQueriesContext(connection) as queries:
        api.get(f"relationships?ids={ids(crowd[:count])}", by=alice)
    assert len(queries) == 5  # the rows and four sets


LISTS = ["users/{0}/followers", "users/{0}/following", "users/me/friends", "users/me/blocks"]


@pytest.mark.parametrize("address", LISTS)
def test_a_page_is_two_round_trips_and_one_query_unless_it_is_cached(api, alice, crowd, address):
    for person in crowd[80:]:
        Block.objects.create(blocker=alice, blocked=person)
    address = address.format(alice.pk)
    link = api.get(address, by=alice).json["next"]
    filtered = 0 if address.endswith("blocks") else 1
    cached = address.endswith(("followers", "following"))
    for page, sql in ((address, 0 if cached else 1), (f"{address}?limit=21", 1), (link, 1)):
        if page is None:
            continue
        api.get(page, by=alice)
        with budget(sql=sql, round_trips=2, commands=2 + filtered):  # the caller and the newest; rows and blocks
            api.get(page, by=alice)


@pytest.mark.services
@pytest.mark.parametrize("which", ["followers", "following"])
def test_a_cold_first_page_reads_no_more_rows_than_it_shows(api, alice, bob, which):
    """Although the database has other indexes that begin with the owner, and must not sort all of the owner's rows."""
    User.objects.bulk_create([User(id=10**6 + number, username=f"many_{number}") for number in range(2_000)])
    owner, member = ("followee_id", "follower_id") if which == "followers" else ("follower_id", "followee_id")
    rows = [Follow(**{owner: alice.pk, member: 10**6 + number}) for number in range(2_000)]
    Follow.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE social_follow")
    api.get(f"users/{alice.pk}/{which}", by=bob)
    empty_redis()
    before = rows_read()
    assert len(api.get(f"users/{alice.pk}/{which}", by=bob).json["results"]) == 20
    assert rows_read() - before <= 80


def test_bad_input_and_refusals_cost_no_transaction(api, alice, bob):
    api.get("users/me", by=alice)
    with budget(sql=0, round_trips=1, commands=1):
        assert api.put(f"users/{alice.pk}/follow", by=alice).status == 400
    assert api.put("users/99999999/follow", by=alice).status == 404
    with budget(sql=0, round_trips=1, commands=1):
        assert api.put("users/99999999/follow", by=alice).status == 404


def test_writes(api, alice, bob):
    api.put(f"users/{bob.pk}/follow", by=alice)
    api.delete(f"users/{bob.pk}/follow", by=alice)
    # Round trips: caller and other user, hold, lift with answer.
    for method, edge, sql, round_trips in (
        ("PUT", "follow", 2, 3),  # insert, deltas
        ("PUT", "follow", 2, 3),  # insert, why not
        ("DELETE", "follow", 3, 3),  # existing edge, delete, deltas
        ("DELETE", "follow", 1, 2),
        ("PUT", "block", 3, 3),  # follows, existing edge, insert
        ("PUT", "block", 2, 2),
        ("DELETE", "block", 2, 3),
        ("DELETE", "block", 1, 2),
    ):
        api.get(f"relationships?ids={bob.pk}", by=alice)
        with measure() as cost:
            assert api.request(method, f"users/{bob.pk}/{edge}", by=alice).status == 200
        assert len(cost.sql) == sql + PAIR_LOCK, (method, edge, cost.sql)
        assert cost.round_trips == round_trips, (method, edge, cost.sql)


def test_a_write_of_any_number_of_edges_holds_once_and_lifts_once(alice, bob):
    """A block of two who follow each other changes eight id sets and four counters by three rows."""
    pair = {"blocker_id": alice.pk, "blocked_id": bob.pk}
    for write, arguments in (
        (services.follow, {"follower_id": alice.pk, "followee_id": bob.pk}),
        (services.follow, {"follower_id": bob.pk, "followee_id": alice.pk}),
        (services.block, pair),
        (services.unblock, pair),
        (services.follow, {"follower_id": alice.pk, "followee_id": bob.pk}),
        (services.unfollow, {"follower_id": alice.pk, "followee_id": bob.pk}),
    ):
        with redis_usage() as usage:
            assert write(**arguments)
        assert usage.round_trips == 2, (write, usage)


@pytest.mark.services
@pytest.mark.parametrize("which", ["followers", "following"])
def test_rows_read_do_not_grow_with_the_depth(api, alice, bob, new_user, which):
    """The rows that the storage engine reads for a page do not grow with the page's depth."""
    User.objects.bulk_create([User(id=10**6 + number, username=f"deep_{number}") for number in range(2_000)])
    owner, member = ("followee_id", "follower_id") if which == "followers" else ("follower_id", "followee_id")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO social_follow ({owner}, {member}, created_at) "  # noqa: S608
            f"SELECT {alice.pk}, id, NOW() FROM users_user WHERE id >= 1000000"
        )
        cursor.execute("ANALYZE TABLE social_follow")
    page = api.get(f"users/{alice.pk}/{which}", by=bob).json
    read = []
    for _ in range(90):
        address = page["next"]
        page = api.get(address, by=bob).json
        before = rows_read()
        page = api.get(address, by=bob).json
        read.append(rows_read() - before)
    assert max(read) <= 30, read
    assert len(page["results"]) == 20

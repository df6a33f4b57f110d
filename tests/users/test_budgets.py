"""Budgets of each endpoint in SQL, round trips and commands; a batch costs the same for any size."""

import pytest

from tests.support.budgets import budget
from tests.support.empty_redis import empty_redis
from users.models import UserState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crowd(new_user):
    people = [new_user(f"crowd_{number}", nickname="Crowd") for number in range(60)]
    for person in people[:30]:
        UserState.objects.create_one(user_id=person.pk)
    return people


WARM = {
    "own user": "users/me",
    "one user": "users/{0}",
    "one user's fields": "users/{0}?fields=id,nickname",
    "a state": "users/{0}/state",
    "no state": "users/{last}/state",
    "batch of 2": "users?ids={0},{last}",
    "batch of 50": "users?ids={fifty}",
}


@pytest.mark.parametrize("address", WARM.values(), ids=WARM)
def test_a_warm_read_is_one_round_trip_and_no_sql(api, bob, crowd, throttled, address):
    fifty = ",".join(str(person.pk) for person in crowd[:50])
    address = address.format(crowd[0].pk, last=crowd[-1].pk, fifty=fifty)
    first = api.get(address, by=bob)
    blocks = 1 if address.endswith("/state") else 0
    with budget(sql=0, round_trips=1, commands=2 + blocks):  # one MGET for all rows; the throttle; blocks both ways
        assert api.get(address, by=bob).bytes == first.bytes


@pytest.mark.parametrize("count", [2, 50])
def test_a_cold_batch_is_one_query(api, bob, crowd, count):
    ids = ",".join(str(person.pk) for person in crowd[:count])
    empty_redis()
    with budget(sql=1, round_trips=3, commands=3):  # fetch, lease, fill; the caller's row among them
        assert len(api.get(f"users?ids={ids}", by=bob).json["results"]) == count


def test_a_refused_token_asks_nobody(api):
    with budget(sql=0, round_trips=0, commands=0):
        assert api.get("users/me", by="x.y.z").status == 401


def test_bad_input_costs_no_more_than_the_caller(api, bob):
    api.get("users/me", by=bob)
    for path in ("users/abc", "users?ids=0", "users/search", "users/1?fields=nope"):
        with budget(sql=0, round_trips=1, commands=1):
            assert api.get(path, by=bob).status == 400


def test_by_username(api, bob, crowd):
    for _ in range(2):  # the first read fills the pointer, the second the row
        api.get("users?username=crowd_1", by=bob)
    with budget(sql=0, round_trips=2, commands=2):  # the caller and the pointer of the name; the row
        assert api.get("users?username=crowd_1", by=bob).json["results"]


@pytest.mark.parametrize("q", ["crowd_1", "crowd"])
def test_search_is_one_query_and_two_round_trips(api, bob, crowd, q):
    assert api.get(f"users/search?q={q}", by=bob).json["results"]
    with budget(sql=1, round_trips=2, commands=3):  # the caller; the rows of the page and blocks in both directions
        api.get(f"users/search?q={q}", by=bob)


def test_writes(api, bob):
    api.patch("users/me/state", {}, by=bob)
    api.get("users/me", by=bob)
    with budget(sql=2, round_trips=3, commands=3):  # lock, update; caller, hold, lift
        api.patch("users/me", {"city": "X"}, by=bob)
    api.get("users/me", by=bob)
    with budget(sql=2, round_trips=3, commands=3):
        api.patch("users/me/state", {}, by=bob)
    api.get("users/me", by=bob)
    with budget(sql=5, round_trips=3, commands=3):  # and the search terms: old terms, row, insert
        api.patch("users/me", {"nickname": "Robert"}, by=bob)


def test_registration_and_tokens(api, throttled, password_hash):
    with budget(
        sql=6, round_trips=4, commands=4
    ):  # is the name taken, insert, is it reserved, terms; throttle, hold, hold of the new key, lift
        api.post("users", {"username": "fresh", "password": "correct-horse-battery"})
    with budget(sql=2, round_trips=3, commands=3):  # the account, the login; address, account, account again
        tokens = api.post("auth/token", {"username": "fresh", "password": "correct-horse-battery"}).json
    with budget(sql=2, round_trips=1, commands=1):  # the account, the guarded UPDATE of the login
        api.post("auth/token/refresh", {"refresh": tokens["refresh"]})

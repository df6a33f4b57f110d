"""Concurrent requests of one user, in threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tests.support.api_client import ApiClient
from users import views
from users.models import SearchTerm, User, UserState
from users.terms import terms_of

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 6


def together(request) -> list:
    """Return the results of `request(number)` in THREADS threads that start at the same moment."""
    barrier = threading.Barrier(THREADS)

    def run(number):
        barrier.wait()
        try:
            return request(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_one_of_many_wins_a_name():
    def register(number):
        name = "".join(letter.upper() if number >> at & 1 else letter for at, letter in enumerate("racer"))
        return ApiClient().post("users", {"username": name, "password": "correct-horse-battery"}).status

    assert sorted(together(register)) == [201, *[400] * (THREADS - 1)]
    assert User.objects.filter(username="racer").count() == 1


def test_first_heartbeats_at_once_make_one_state(alice):
    answers = together(lambda number: ApiClient().patch("users/me/state", {"message": str(number)}, by=alice))
    assert [answer.status for answer in answers] == [200] * THREADS
    assert ApiClient().get(f"users/{alice.pk}/state", by=alice).json["message"] == UserState.objects.get().message


def test_renames_at_once_leave_the_terms_of_the_last(alice):
    answers = together(lambda number: ApiClient().patch("users/me", {"nickname": f"Name{number} 名{number}"}, by=alice))
    assert [answer.status for answer in answers] == [200] * THREADS
    row = User.objects.get(pk=alice.pk)
    kept = set(SearchTerm.objects.filter(user_id=alice.pk).values_list("term", flat=True))
    assert kept == terms_of(row.username, row.nickname)
    assert ApiClient().get("users/me", by=alice).json["nickname"] == row.nickname


@pytest.mark.parametrize(("address", "body"), [("users/me", {"city": "X"}), ("users/me/state", {"status": "busy"})])
@pytest.mark.parametrize("has_state", [True, False])
def test_who_is_deleted_after_being_admitted_is_told_so(alice, monkeypatch, address, body, has_state):
    api = ApiClient()
    if has_state:
        api.patch("users/me/state", {"status": "away"}, by=alice)

    def deleted_meanwhile(*given, **options):
        User.objects.filter(pk=alice.pk).delete()
        return validated(*given, **options)

    validated = views.validated
    monkeypatch.setattr(views, "validated", deleted_meanwhile)
    answer = api.patch(address, body, by=alice)
    assert (answer.status, answer.json["code"]) == (401, "user_inactive")
    assert not UserState.objects.exists()

"""Users in the admin: every edit shows in the API at once."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from redis import RedisError

from tests.support.admin_actions import form_of, run_action
from tests.support.cast import PASSWORD
from users import logins
from users.models import User, UserState

pytestmark = pytest.mark.django_db(transaction=True)
USERS = "/admin/users/user/"
STATES = "/admin/users/userstate/"


def fresh_token(user):
    """Return an access token as a new login of the user would get."""
    return logins.begin(user.pk, generation=User.objects.get(pk=user.pk).token_generation, user_agent="")["access"]


def test_an_edit_shows_in_the_api_and_in_the_search_at_once(api, root, alice, bob):
    assert api.get(f"users/{alice.pk}", by=bob).json["nickname"] == "Alice 小明"
    address = f"{USERS}{alice.pk}/change/"
    form = {**form_of(root.get(address)), "nickname": "爱丽丝", "level": 7}
    assert root.post(address, form).status_code == 302
    read = api.get(f"users/{alice.pk}", by=bob).json
    assert (read["nickname"], read["level"]) == ("爱丽丝", 7)
    assert [user["id"] for user in api.get("users/search", by=bob, query={"q": "丽丝"}).json["results"]] == [alice.pk]


def test_deactivating_by_action_refuses_the_token_at_once(api, root, alice, bob):
    assert api.get("users/me", by=alice).status == 200
    assert "2 accounts deactivated." in run_action(root, USERS, "deactivate", alice, bob)
    assert api.get("users/me", by=alice).json["code"] == "user_inactive"
    assert "1 accounts activated." in run_action(root, USERS, "activate", alice)
    assert api.get("users/me", by=alice).json["code"] == "token_not_valid"  # what it held before is over
    assert api.get("users/search?q=alice", by=fresh_token(alice)).json["results"]


def test_deleting_by_action_is_seen_at_once(api, root, alice, bob):
    assert api.get(f"users/{alice.pk}", by=bob).status == 200
    confirmed = {"action": "delete_selected", "_selected_action": [alice.pk], "post": "yes"}
    assert root.post(USERS, confirmed).status_code == 302
    assert api.get(f"users/{alice.pk}", by=bob).status == 404


def test_a_state_edit_shows_at_once(api, root, alice, bob):
    api.patch("users/me/state", {"status": "busy"}, by=alice)
    assert api.get(f"users/{alice.pk}/state", by=bob).json["status"] == "busy"
    address = f"{STATES}{alice.pk}/change/"
    form = {"user": alice.pk, "status": "away", "message": "x", "last_seen_at_0": "", "last_seen_at_1": ""}
    assert root.post(address, form).status_code == 302
    assert api.get(f"users/{alice.pk}/state", by=bob).json == {
        "id": alice.pk, "status": "away", "message": "x", "last_seen_at": None,
    }  # fmt: skip


def test_cache_entry_is_shown_and_dropped(api, root, alice, bob):
    assert "is absent" in run_action(root, USERS, "show_cache_entry", alice)
    api.get(f"users/{alice.pk}", by=bob)
    shown = run_action(root, USERS, "show_cache_entry", alice)
    assert "has a value" in shown
    assert "alice" in shown
    assert "argon2" not in shown
    assert "is absent" in run_action(root, USERS, "drop_cache_entry", alice)
    UserState.objects.create_one(user_id=alice.pk)
    assert "is absent" in run_action(root, STATES, "show_cache_entry", alice)


def test_show_cache_entry_says_so_if_redis_is_away(root, alice, monkeypatch):
    def refuse(commands):
        raise RedisError("refused")

    monkeypatch.setattr("caching.reading.inspect.round_trip", refuse)
    assert "Redis cannot be asked: refused" in run_action(root, USERS, "show_cache_entry", alice)


def test_password_is_changed_by_the_form_and_new_accounts_can_log_in(api, root, alice):
    page = root.post(
        f"{USERS}{alice.pk}/password/",
        {"usable_password": "true", "password1": "new-horse-77", "password2": "new-horse-77"},
    )
    assert page.status_code == 302
    assert api.post("auth/token", {"username": "alice", "password": "new-horse-77"}).status == 200
    assert api.post("auth/token", {"username": "alice", "password": PASSWORD}).status == 401
    new = {"username": "newbie", "usable_password": "true", "password1": "new-horse-77", "password2": "new-horse-77"}
    assert root.post(f"{USERS}add/", new).status_code == 302
    assert api.post("auth/token", {"username": "NEWBIE", "password": "new-horse-77"}).status == 200
    assert b"This username is taken." in root.post(f"{USERS}add/", {**new, "username": "NewBie"}).content


@pytest.mark.parametrize(
    ("q", "found"),
    [("ali", {"alice"}), ("小明", {"alice"}), ("dor", {"dora"}), ("DORA", {"dora"}), ("nobody", set()), ("\0", None)],
)
def test_search_finds_by_terms_and_deactivated_people_by_username(root, alice, dora, q, found):
    everybody = {"alice", "dora", "root"}
    page = root.get(USERS, {"q": q})
    assert {user.username for user in page.context["cl"].result_list} == (everybody if found is None else found)


def test_search_by_id_and_among_states(root, alice, bob):
    UserState.objects.create_one(user_id=alice.pk)
    page = root.get(USERS, {"q": str(alice.pk)})
    assert [user.pk for user in page.context["cl"].result_list] == [alice.pk]
    assert [state.pk for state in root.get(STATES, {"q": "ali"}).context["cl"].result_list] == [alice.pk]
    assert not root.get(STATES, {"q": "bob"}).context["cl"].result_list


def test_lists_do_not_count_all_rows(root, alice):
    for address in (USERS, STATES):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert root.get(address).status_code == 200
        counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
        assert counts
        assert all(re.search(r"LIMIT 10001\b", sql) for sql in counts), counts


def test_staff_without_rights_are_refused(api, sam, alice):
    client = Client()
    client.force_login(sam)
    assert client.get(USERS).status_code == 403
    assert run_action(client, USERS, "deactivate", alice)
    assert User.objects.get(pk=alice.pk).is_active

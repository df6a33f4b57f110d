"""One user, several users, users by name, and states."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from users.models import User, UserState
from users.projections import PUBLIC

pytestmark = pytest.mark.django_db(transaction=True)
BAD_IDS = [
    "0",
    "-1",
    "01",
    "abc",
    "1.5",
    "1e3",
    "true",
    "NaN",
    "٣",
    "9223372036854775808",
    "9" * 5_000,
    "%20",
    "1%00",
    "%ff",
    "+1",
]


@pytest.mark.parametrize("bad", BAD_IDS)
def test_bad_ids(api, bob, bad):
    for path in (f"users/{bad}", f"users/{bad}/state", f"users?ids={bad}", f"users?ids=1,{bad}"):
        assert api.get(path, by=bob).status == 400, path


def test_unknown_ids(api, bob):
    for path in ("users/9223372036854775807", f"users/{bob.pk + 1}", f"users/{bob.pk + 1}/state"):
        answer = api.get(path, by=bob)
        assert (answer.status, answer.json["code"]) == (404, "not_found"), path


def test_fields_project(api, alice, bob):
    assert tuple(api.get(f"users/{alice.pk}", by=bob).json) == PUBLIC
    assert api.get(f"users/{alice.pk}?fields=nickname,id,id", by=bob).json == {"nickname": "Alice 小明", "id": alice.pk}
    assert api.get(f"users/{alice.pk}?fields=email", by=alice).json == {"email": "alice@example.com"}
    for fields in ("email", "id,phone", "birthday"):
        answer = api.get(f"users/{alice.pk}?fields={fields}", by=bob)
        assert (answer.status, answer.json["code"]) == (403, "private_field")
        assert api.get(f"users?ids={alice.pk},{bob.pk}&fields={fields}", by=bob).status == 403
        assert api.get(f"users?username=alice&fields={fields}", by=bob).status == 403
        assert api.get(f"users?username=ALICE&fields={fields}", by=alice).status == 200
        assert api.get(f"users?ids={alice.pk}&fields={fields}", by=alice).status == 200
    for fields in ("", "password", "is_staff", "last_login", "id,,nickname", "ID", "id%00", "email,nope", "is_active"):
        for path in (f"users/{alice.pk}", "users", "users?username=alice&x=1"):
            address = f"{path}?ids={alice.pk}" if path == "users" else path
            joined = "&" if "?" in address else "?"
            assert api.get(f"{address}{joined}fields={fields}", by=bob).json["code"] == "unknown_field", address


def test_a_batch_keeps_order_drops_duplicates_and_names_missing(api, alice, bob, sam):
    unknown = sam.pk + 1
    answer = api.get(f"users?ids={sam.pk},{unknown},{alice.pk},{sam.pk},{unknown}&fields=username", by=bob)
    assert answer.json == {"results": [{"username": "sam"}, {"username": "alice"}], "missing": [unknown]}


def test_batch_limits(api, bob):
    ids = ",".join(str(number) for number in range(1, 101))
    assert api.get(f"users?ids={ids}", by=bob).status == 200
    assert api.get(f"users?ids={ids},1", by=bob).json["code"] == "too_many_ids"
    for query in ("", "?ids=", "?ids=&username=", "?ids=1&username=bob", "?fields=id"):
        assert api.get(f"users{query}", by=bob).status == 400, query


def test_by_username_in_any_case_and_after_a_rename(api, alice, bob):
    for name in ("alice", "ALICE", "Alice"):
        assert [user["id"] for user in api.get(f"users?username={name}", by=bob).json["results"]] == [alice.pk]
    for name in ("nobody", "al", "", "älice", "alice%20", "王", "😀", "a%00b"):
        assert api.get(f"users?username={name}", by=bob).json == {"results": []}, name
    assert api.get(f"users?username={'x' * 31}", by=bob).status == 400
    User.objects.update_one(alice.pk, username="Renamed")
    assert api.get("users?username=alice", by=bob).json == {"results": []}
    assert [user["username"] for user in api.get("users?username=renamed", by=bob).json["results"]] == ["Renamed"]


def test_a_name_asked_for_before_it_exists_is_found_after(api, bob, new_user):
    assert api.get("users?username=later", by=bob).json == {"results": []}
    new_user("Later")
    assert api.get("users?username=later", by=bob).json["results"]


def test_states(api, alice, bob):
    silent = {"id": alice.pk, "status": "offline", "message": "", "last_seen_at": None}
    assert api.get(f"users/{alice.pk}/state", by=bob).json == silent
    before = timezone.now()
    said = api.patch("users/me/state", {"status": "busy", "message": "开会 😀"}, by=alice).json
    assert (said["status"], said["message"]) == ("busy", "开会 😀")
    assert before <= datetime.fromisoformat(said["last_seen_at"]) <= timezone.now()
    assert api.get(f"users/{alice.pk}/state", by=bob).json == said
    beat = api.patch("users/me/state", {}, by=alice).json
    assert (beat["status"], beat["message"]) == ("busy", "开会 😀")
    assert beat["last_seen_at"] > said["last_seen_at"]
    assert api.get(f"users/{alice.pk}/state", by=bob).json == beat
    assert api.patch("users/me/state", by=bob).json["status"] == "offline"  # no body is a heartbeat too


@pytest.mark.parametrize(
    ("status", "silent_s", "shown"),
    [
        ("online", 0, "online"), ("online", 299, "online"), ("online", 301, "offline"),
        ("online", 40 * 24 * 3_600, "offline"), ("online", None, "offline"), ("offline", 301, "offline"),
        ("away", 301, "away"), ("busy", 301, "busy"), ("busy", None, "busy"),
    ],
)  # fmt: skip
def test_nobody_stays_online_without_a_heartbeat(api, alice, bob, status, silent_s, shown):
    """Wherever a state is shown; what people say of themselves (away, busy) stays until they say something else."""
    seen = None if silent_s is None else timezone.now() - timedelta(seconds=silent_s)
    UserState.objects.create_one(user_id=alice.pk, status=status, message="x", last_seen_at=seen)
    state = api.get(f"users/{alice.pk}/state", by=bob).json
    assert (state["status"], state["message"]) == (shown, "x")
    assert state["last_seen_at"] is None or datetime.fromisoformat(state["last_seen_at"]) == seen
    (profile,) = api.get(f"users/profiles?ids={alice.pk}", by=bob).json["results"]
    assert profile["state"] == state
    assert api.patch("users/me/state", {}, by=alice).json["status"] == status
    assert api.get(f"users/{alice.pk}/state", by=bob).json["status"] == status


@pytest.mark.parametrize(
    "body",
    [
        {"status": "asleep"},
        {"status": None},
        {"status": True},
        {"message": "x" * 141},
        {"message": 5},
        {"id": 1},
        [],
        1,
        None,
    ],
)
def test_bad_states_change_nothing(api, alice, body):
    raw = b"null" if body is None else body
    assert api.patch("users/me/state", raw, by=alice).status == 400
    assert not UserState.objects.exists()

"""Registration, tokens, and the caller's own profile."""

import pytest
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from tests.support.cast import PASSWORD
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_register_log_in_and_read(api):
    created = api.post("users", {"username": "Ann.1", "password": PASSWORD, "nickname": "安"})
    assert created.status == 201
    assert (created.json["username"], created.json["email"], created.json["birthday"]) == ("Ann.1", "", None)
    assert PASSWORD.encode() not in created.bytes
    assert b"argon2" not in created.bytes
    tokens = api.post("auth/token", {"username": "ann.1", "password": PASSWORD}).json
    assert set(tokens) == {"access", "refresh"}
    me = api.get("users/me", by=tokens["access"])
    assert me.json == created.json
    again = api.post("auth/token/refresh", {"refresh": tokens["refresh"]}).json
    assert set(again) == {"access", "refresh"}
    assert api.get(f"users/{me.json['id']}", by=again["access"]).json["nickname"] == "安"


@pytest.mark.parametrize(
    "username",
    ["", "ab", "x" * 31, "a b c", "a-b", "äbc", "王小明", "abc\n", " abc", "a\0bc", "a" * 10_000, 12345, None, ["abc"]],
)
def test_bad_usernames_are_refused_and_create_nothing(api, username):
    answer = api.post("users", {"username": username, "password": PASSWORD})
    assert answer.status == 400
    assert list(answer.json["errors"]) == ["username"]
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password", ["", "short1!", "password123", "84629173650", "ann.smith", "x" * 129, "a\0bcdefghij", 12345678, None]
)
def test_weak_and_bad_passwords_are_refused(api, password):
    answer = api.post("users", {"username": "ann.smith", "password": password})
    assert answer.status == 400
    assert list(answer.json["errors"]) == ["password"]
    assert not User.objects.exists()


def test_fields_that_registration_does_not_know_are_refused(api):
    answer = api.post("users", {"username": "ann", "password": PASSWORD, "is_staff": True, "id": 7})
    assert (answer.status, set(answer.json["errors"])) == (400, {"is_staff", "id"})
    assert not User.objects.exists()


def test_a_name_is_taken_in_every_case_also_after_a_rename(api, alice):
    taken = api.post("users", {"username": "ALICE", "password": PASSWORD})
    assert (taken.status, taken.json["code"]) == (400, "username_taken")
    assert taken.json["errors"] == {"username": ["This username is taken."]}
    User.objects.update_one(alice.pk, username="alicia")
    assert api.post("users", {"username": "ALICE", "password": PASSWORD}).json["code"] == "username_taken"


def test_log_in_is_refused(api, alice, dora):
    for body in (
        {"username": "alice", "password": PASSWORD + "x"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "dora", "password": PASSWORD},
        {"username": "😀", "password": "😀"},
    ):
        answer = api.post("auth/token", body)
        assert (answer.status, answer.json["code"]) == (401, "bad_credentials"), body
        assert answer.headers["www-authenticate"] == "Bearer"
    for body in ({}, {"username": "alice"}, {"username": "a\0b", "password": "x"}, {"username": 1, "password": 2}):
        assert api.post("auth/token", body).status == 400, body


def test_refresh_is_refused(api, alice, dora):
    outdated = RefreshToken.for_user(alice)
    outdated.set_exp(lifetime=-outdated.lifetime)
    nobody = RefreshToken.for_user(alice)
    nobody["user_id"] = "987654321"
    strange = RefreshToken.for_user(alice)
    strange["user_id"] = "me"
    tokens = (outdated, nobody, strange, RefreshToken.for_user(dora), AccessToken.for_user(alice), "x", "a.b.c", "é")
    for token in tokens:
        answer = api.post("auth/token/refresh", {"refresh": str(token)})
        assert (answer.status, answer.json["code"]) == (401, "token_not_valid"), token
    assert api.post("auth/token/refresh", {}).status == 400


def test_profile_is_changed_and_shown_to_others_without_the_private_part(api, alice, bob):
    changes = {
        "nickname": "爱丽丝 🦊", "avatar": "https://cdn.example/a.png", "bio": "Hi", "gender": "female",
        "country": "CN", "city": "上海", "language": "zh-CN", "phone": "+86 123", "birthday": "2000-02-29",
    }  # fmt: skip
    assert api.get(f"users/{alice.pk}", by=bob).json["nickname"] == "Alice 小明"
    changed = api.patch("users/me", changes, by=alice)
    assert changed.status == 200
    assert {name: changed.json[name] for name in changes} == changes
    assert api.get("users/me", by=alice).json == changed.json
    public = {name: value for name, value in changed.json.items() if name not in ("email", "phone", "birthday")}
    assert api.get(f"users/{alice.pk}", by=bob).json == public
    assert api.patch("users/me", {"birthday": None, "avatar": ""}, by=alice).json["birthday"] is None
    assert api.patch("users/me", {}, by=alice).json["nickname"] == "爱丽丝 🦊"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 5), ("username", "other"), ("level", 99), ("is_vip", True), ("created_at", "2020-01-01T00:00:00Z"),
        ("password", "x"), ("is_staff", True), ("is_active", False), ("unknown", 1), ("", 1),
        ("nickname", "x" * 65), ("nickname", "a\0b"), ("nickname", None), ("nickname", 5), ("nickname", True),
        ("nickname", ["x"]), ("gender", "cat"), ("avatar", "javascript:alert(1)"), ("email", "nope"),
        ("birthday", "2000-02-30"), ("birthday", "0001-01-01"), ("birthday", "9999-01-01"), ("birthday", 20000101),
    ],
)  # fmt: skip
def test_a_bad_field_changes_nothing(api, alice, field, value):
    before = api.get("users/me", by=alice).json
    answer = api.patch("users/me", {"city": "Nowhere", field: value}, by=alice)
    assert (answer.status, list(answer.json["errors"])) == (400, [field or "body"])
    assert api.get("users/me", by=alice).json == before

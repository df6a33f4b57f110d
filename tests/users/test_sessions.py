"""The logins of the caller: listed, and ended one by one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.support.budgets import budget
from tests.support.cast import PASSWORD
from users import logins
from users.models import Login, User

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "new-horse-battery-77"


@pytest.fixture
def log_in(api):
    """log_in(username, agent) returns the tokens of a new login."""

    def log_in(username="alice", agent="App/3.2 (iPhone)"):
        given = {"username": username, "password": PASSWORD}
        return api.post("auth/token", given, headers={"user-agent": agent}).json

    return log_in


def sessions(api, tokens, query=""):
    return api.get(f"users/me/sessions{query}", by=tokens["access"]).json["results"]


def works(api, tokens):
    """Return whether the access token and the refresh token of a login are honoured; uses the latter up."""
    access = api.get("users/me", by=tokens["access"]).status
    return access, api.post("auth/token/refresh", {"refresh": tokens["refresh"]}).status


def test_the_list(api, alice, bob, log_in):
    log_in("bob")
    phone, tablet = log_in(), log_in(agent="App/3.2 (iPad)")
    here, there = sessions(api, tablet)
    assert [each["user_agent"] for each in (here, there)] == ["App/3.2 (iPad)", "App/3.2 (iPhone)"]
    assert [each["current"] for each in (here, there)] == [True, False]
    assert [each["current"] for each in sessions(api, phone)] == [False, True]
    assert list(here) == ["id", "created_at", "last_used_at", "user_agent", "current"]
    renewed = api.post("auth/token/refresh", {"refresh": phone["refresh"]}, headers={"user-agent": "x"}).json
    first, second = sessions(api, renewed)
    assert (first["id"], first["current"], second["id"]) == (there["id"], True, here["id"])
    assert first["last_used_at"] > there["last_used_at"]
    assert first["created_at"] == there["created_at"]
    assert [row["id"] for row in sessions(api, tablet, "?limit=1")] == [first["id"]]


def test_what_is_over_is_not_listed(api, alice, log_in):
    out, kept = log_in(), log_in()
    api.post("auth/logout", {"refresh": out["refresh"]})
    expired = log_in()
    Login.objects.filter(pk=sessions(api, expired)[0]["id"]).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert [each["current"] for each in sessions(api, kept)] == [True]
    log_in()
    changed = api.post("users/me/password", {"old": PASSWORD, "new": NEW}, by=kept["access"]).json
    assert [each["current"] for each in sessions(api, changed)] == [True]


def test_ending_a_login_ends_its_tokens_at_once(api, alice, log_in):
    here, there = log_in(), log_in(agent="there")
    renewed = api.post("auth/token/refresh", {"refresh": there["refresh"]}).json
    (ended,) = [each["id"] for each in sessions(api, here) if not each["current"]]
    for _ in range(3):
        assert api.delete(f"users/me/sessions/{ended}", by=here["access"]).status == 204
    assert [works(api, each) for each in (there, renewed)] == [(401, 401)] * 2
    assert len(sessions(api, here)) == 1
    assert works(api, here) == (200, 200)


def test_ending_the_login_one_is_in(api, alice, log_in):
    here, there = log_in(), log_in()
    (own,) = [each["id"] for each in sessions(api, here) if each["current"]]
    assert api.delete(f"users/me/sessions/{own}", by=here["access"]).status == 204
    assert works(api, here) == (401, 401)
    assert api.delete(f"users/me/sessions/{own}", by=there["access"]).status == 204
    assert works(api, there) == (200, 200)


def test_logins_of_others_and_of_nobody(api, alice, bob, log_in):
    tokens, foreign = log_in(), log_in("bob")
    (his,) = [each["id"] for each in sessions(api, foreign)]
    for login_id in (his, 10**9, 2**63 - 1):
        answer = api.delete(f"users/me/sessions/{login_id}", by=tokens["access"])
        assert (answer.status, answer.json["code"]) == (404, "not_found")
    for bad in ("0", "x", "01", str(2**63)):
        assert api.delete(f"users/me/sessions/{bad}", by=tokens["access"]).json["code"] == "bad_id"
    assert works(api, foreign) == (200, 200)


def test_a_log_out_may_be_repeated_as_a_deletion(api, alice, log_in):
    here, there = log_in(), log_in()
    (other,) = [each["id"] for each in sessions(api, here) if not each["current"]]
    api.post("auth/logout", {"refresh": there["refresh"]})
    assert api.delete(f"users/me/sessions/{other}", by=here["access"]).status == 204


def test_more_ended_logins_than_the_account_can_list(api, alice):
    begin = lambda: logins.begin(alice.pk, generation=User.objects.get().token_generation, user_agent="")  # noqa: E731
    here, gone = begin(), [begin() for _ in range(120)]
    for _ in range(2):  # a hundred at a time
        for each in sessions(api, here):
            assert each["current"] or logins.end_login(alice.pk, each["id"])
        here = api.post("auth/token/refresh", {"refresh": here["refresh"]}).json
    assert {works(api, each) for each in gone} == {(401, 401)}
    assert len(sessions(api, here)) == 1


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("", ""), ("x" * 500, "x" * 200), ("a\tb  c", "a b c"), ("\u202eevil\u200b".encode().decode("latin-1"), "evil"),
        ("Ä pp 小明".encode().decode("latin-1"), "Ä pp 小明"), ("\xe9", "\N{REPLACEMENT CHARACTER}"),
    ],
)  # fmt: skip
def test_user_agents(api, alice, sent, shown):
    tokens = logins.begin(alice.pk, generation=0, user_agent=sent)
    assert sessions(api, tokens)[0]["user_agent"] == shown


@pytest.mark.one_redis
def test_budgets(api, alice, log_in, throttled):
    here, _ = log_in(), log_in()
    listed = sessions(api, here)
    with budget(sql=1, round_trips=1, commands=2):
        sessions(api, here)
    (other,) = [each["id"] for each in listed if not each["current"]]
    with budget(sql=4, round_trips=3, commands=4):  # lock, the login, lock, the account; caller, hold, lift
        api.delete(f"users/me/sessions/{other}", by=here["access"])

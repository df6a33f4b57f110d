"""A password is changed by the old one, or by a token that is mailed."""

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.support.budgets import budget
from tests.support.cast import PASSWORD
from tests.support.threads import in_parallel
from users import logins, services
from users.models import Login, PasswordReset, User

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "new-horse-battery-77"


@pytest.fixture
def log_in(api):
    return lambda password=PASSWORD, username="alice": api.post(
        "auth/token", {"username": username, "password": password}
    )


@pytest.fixture
def change(api):
    return lambda tokens, old=PASSWORD, new=NEW: api.post(
        "users/me/password", {"old": old, "new": new}, by=tokens["access"]
    )


def is_valid(api, tokens):
    return api.get("users/me", by=tokens["access"]).status == 200


def test_a_change_ends_every_other_login_at_once(api, alice, log_in, change):
    here, there = log_in().json, log_in().json
    assert is_valid(api, there)
    answer = change(here)
    assert (answer.status, set(answer.json)) == (200, {"access", "refresh"})
    assert [is_valid(api, each) for each in (here, there, answer.json)] == [False, False, True]
    statuses = [
        api.post("auth/token/refresh", {"refresh": each["refresh"]}).status for each in (here, there, answer.json)
    ]
    assert statuses == [401, 401, 200]
    assert (log_in().status, log_in(NEW).status) == (401, 200)


def test_a_wrong_old_password_changes_nothing(api, alice, log_in, change):
    tokens = log_in().json
    answer = change(tokens, old="wrong")
    assert (answer.status, answer.json["code"]) == (403, "wrong_password")
    User.objects.filter(pk=alice.pk).update(password="!unusable")
    tokens = logins.begin(alice.pk, generation=User.objects.get().token_generation, user_agent="")
    assert change(tokens, old="!unusable").json["code"] == "wrong_password"
    assert change(tokens, old="").status == 400


@pytest.mark.parametrize("new", ["short1!", "password123", "84629173650", "alice@example.com"])
def test_weak_passwords_have_a_code_of_their_own(api, alice, log_in, change, new):
    answer = change(log_in().json, new=new)
    assert (answer.status, answer.json["code"], list(answer.json["errors"])) == (400, "weak_password", ["new"])
    if "@" not in new:
        answer = api.post("users", {"username": "fresh", "password": new})
        assert (answer.status, answer.json["code"], list(answer.json["errors"])) == (400, "weak_password", ["password"])
    assert log_in().status == 200


def test_wrong_old_passwords_are_counted_by_user(api, alice, bob, log_in, change, settings):
    settings.THROTTLES = {"password": (0.001, 3)}
    tokens, others = log_in().json, log_in(username="bob").json
    assert [change(tokens, old=f"wrong {n}").status for n in range(5)] == [403, 403, 403, 429, 429]
    assert change(others).status == 200


def test_of_two_changes_at_once_one_wins(api, alice, log_in, change):
    tokens = log_in().json
    answers = in_parallel(*[lambda n=n: change(tokens, new=f"{NEW}{n}") for n in range(3)])
    assert sorted(answer.status for answer in answers)[:1] == [200]
    assert {answer.status for answer in answers} <= {200, 401, 403}
    assert len([answer for answer in answers if answer.status == 200]) == 1
    won = next(answer.json for answer in answers if answer.status == 200)
    assert is_valid(api, won)


def ask(api, email="alice@example.com", **options):
    answer = api.post("auth/password/reset", {"email": email}, **options)
    assert (answer.status, answer.json) == (202, {"email": email})


def deliver():
    call_command("send_password_resets", once=True, verbosity=0)


def token_in(mail):
    return next(line for line in mail.get_content().splitlines() if re.fullmatch(r"[\w:.-]{60,}", line))


def confirm(api, token, password=NEW):
    return api.post("auth/password/reset/confirm", {"token": token, "password": password})


def test_a_reset_by_mail(api, alice, log_in, smtp):
    tokens = log_in().json
    ask(api, "ALICE@Example.com")
    deliver()
    (mail,) = smtp.mails
    assert mail["to"] == "alice@example.com"  # as stored, not as typed
    assert "alice" in mail.get_content()
    assert is_valid(api, tokens)
    token = token_in(mail)
    weak = confirm(api, token, "short1!")
    assert (weak.json["code"], list(weak.json["errors"])) == ("weak_password", ["password"])
    done = confirm(api, token)
    assert (done.status, done.json) == (200, {"username": "alice"})
    assert not is_valid(api, tokens)
    assert api.post("auth/token/refresh", {"refresh": tokens["refresh"]}).status == 401
    assert (log_in().status, log_in(NEW).status) == (401, 200)
    again = confirm(api, token)
    assert (again.status, again.json["code"], list(again.json["errors"])) == (400, "bad_token", ["token"])
    deliver()
    assert len(smtp.mails) == 1


def test_the_request_looks_nobody_up(api, alice, throttled):
    ask(api)
    for email in ("alice@example.com", "nobody@example.com"):
        with budget(sql=1, round_trips=2, commands=2):  # insert; throttles of the client's address, of the mail address
            ask(api, email)


def test_whom_no_mail_reaches(api, alice, new_user, smtp):
    new_user("erik", email="erik@example.com", is_active=False)
    frida = new_user("frida", email="frida@example.com")
    frida.set_unusable_password()
    frida.save()
    new_user("sven", email="sven@example.com")
    new_user("nomail")
    for email in ("erik@example.com", "frida@example.com", "nobody@example.com", "\u017fven@example.com"):
        ask(api, email)
    deliver()
    assert (smtp.mails, PasswordReset.objects.exists()) == ([], False)


@pytest.mark.parametrize(
    "email", ["", "x", "a b@example.com", "a@example.com\nBcc: b@example.com", "a\0@example.com", 5, None]
)
def test_what_is_no_address(api, email):
    answer = api.post("auth/password/reset", {"email": email})
    assert (answer.status, list(answer.json["errors"])) == (400, ["email"])
    assert not PasswordReset.objects.exists()


def test_an_address_of_several_accounts_gets_a_mail_for_each_up_to_a_bound(api, new_user, smtp):
    for number in range(7):
        new_user(f"twin_{number}", email="Twins@example.com" if number else "twins@EXAMPLE.com")
    ask(api, "twins@example.com")
    deliver()
    assert sorted(mail["to"] for mail in smtp.mails) == ["Twins@example.com"] * 4 + ["twins@EXAMPLE.com"]
    assert confirm(api, token_in(smtp.mails[3])).json == {"username": "twin_3"}


def test_mails_to_one_address_are_bounded_and_the_answer_does_not_show_it(api, alice, smtp, settings):
    settings.THROTTLES = {"reset": (0.001, 9), "reset_email": (0.001, 2)}
    for number in range(8):
        ask(api, "alice@example.com" if number % 2 else "Alice@Example.com", REMOTE_ADDR=f"10.0.0.{number % 2}")
    deliver()
    assert len(smtp.mails) == 2
    statuses = [api.post("auth/password/reset", {"email": f"b{n}@example.com"}).status for n in range(10)]
    assert statuses == [202] * 9 + [429]  # of one client


def test_a_mail_server_that_is_down_or_refuses_is_tried_again(api, alice, smtp, capsys):
    smtp.refused = ("@",)
    ask(api)
    deliver()
    waiting = PasswordReset.objects.get()
    assert waiting.attempts == 1
    assert timedelta(seconds=1) < waiting.due_at - timezone.now() <= timedelta(seconds=5)
    deliver()  # it is not due
    assert PasswordReset.objects.get().attempts == 1
    smtp.refused = ()
    PasswordReset.objects.update(due_at=timezone.now())
    deliver()
    assert (len(smtp.mails), PasswordReset.objects.exists()) == (1, False)


@pytest.mark.parametrize(("code", "is_tried_again"), [(451, True), (550, False)])
def test_one_refused_address_of_several(api, new_user, smtp, code, is_tried_again):
    for number, email in enumerate(("twins@example.com", "Twins@example.com", "TWINS@example.com")):
        new_user(f"twin_{number}", email=email)
    smtp.refused, smtp.code = ("<Twins",), code
    ask(api, "twins@example.com")
    deliver()
    sent = ["twins@example.com"] + ["TWINS@example.com"] * (not is_tried_again)
    assert [mail["to"] for mail in smtp.mails] == sent
    smtp.refused = ()
    PasswordReset.objects.update(due_at=timezone.now())
    deliver()
    sent += ["Twins@example.com", "TWINS@example.com"] * is_tried_again
    assert ([mail["to"] for mail in smtp.mails], PasswordReset.objects.exists()) == (sent, False)


def test_no_mail_server_at_all(api, alice, smtp, settings):
    smtp.end()
    ask(api)
    deliver()
    assert PasswordReset.objects.get().attempts == 1
    old = timezone.now() - timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT + 1)
    PasswordReset.objects.update(due_at=timezone.now(), created_at=old)
    deliver()
    assert not PasswordReset.objects.exists()


def test_without_email_url_a_reset_is_an_error_in_the_log(api, alice, settings, caplog, mailoutbox):
    settings.EMAIL_URL = ""
    ask(api)
    deliver()
    assert (PasswordReset.objects.exists(), mailoutbox) == (False, [])
    assert "set EMAIL_URL" in caplog.text


def test_a_request_is_worked_off_once(api, alice, smtp):
    ask(api)
    in_parallel(*[deliver] * 3)
    assert len(smtp.mails) == 1


@pytest.fixture
def token(api, alice, smtp):
    ask(api)
    deliver()
    return token_in(smtp.mails[0])


def test_a_token_works_once_also_for_two_at_once(api, token):
    answers = in_parallel(*[lambda: confirm(api, token)] * 3)
    assert sorted(answer.status for answer in answers) == [200, 400, 400]


def test_what_ends_a_token(api, alice, token, settings, monkeypatch):
    for strange in ("", "x", token + "x", token[:-1], token.partition(":")[2], "a" * 2_000, 5, None):
        assert confirm(api, strange).status == 400, strange
    services.set_active([alice.pk], active=False)
    assert confirm(api, token).json["code"] == "bad_token"
    services.set_active([alice.pk], active=True)
    assert confirm(api, token).json["code"] == "bad_token"


def test_a_token_ends_with_its_time_its_address_and_its_account(api, alice, token, settings):
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert confirm(api, token).json["code"] == "bad_token"
    settings.PASSWORD_RESET_TIMEOUT = 3600
    User.objects.update_one(alice.pk, email="other@example.com")
    assert confirm(api, token).json["code"] == "bad_token"
    alice.delete()
    assert confirm(api, token).json["code"] == "bad_token"


def test_a_log_out_of_many_logins_does_not_end_a_token(api, alice, token):
    for _ in range(80):
        tokens = logins.begin(alice.pk, generation=0, user_agent="")
        api.post("auth/logout", {"refresh": tokens["refresh"]})
    assert User.objects.get().token_generation
    assert confirm(api, token).status == 200


@pytest.mark.services
def test_the_index_of_addresses_is_used(alice):
    plan = User.objects.filter(email="alice@example.com", is_active=True).explain()
    assert "users_user_email" in plan


@pytest.mark.one_redis
def test_a_change_in_its_budget(api, alice, log_in, change, throttled):
    tokens = log_in().json
    is_valid(api, tokens)
    with budget(sql=4, round_trips=3, commands=4):  # the account, lock, update, insert; caller and throttle, hold, lift
        assert change(tokens).status == 200
    assert Login.objects.count() == 2

"""Mail addresses: asked for with the password, confirmed by a token, each confirmed by one account at most."""

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.support.budgets import budget
from tests.support.cast import PASSWORD
from tests.support.forkserver import run_in_processes
from tests.support.threads import in_parallel
from users import emails, services
from users.models import ConfirmedEmail, EmailChange, User

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "new-horse-battery-77"
ADDRESS = "New.Alice@example.com"


@pytest.fixture(autouse=True)
def mail(settings):
    settings.EMAIL_URL = "console:"  # pytest-django keeps the mails


def ask(api, user, email=ADDRESS, password=PASSWORD):
    return api.post("users/me/email", {"email": email, "password": password}, by=user)


def deliver():
    call_command("send_password_resets", once=True)


def token_in(mail):
    found = re.search(r"^\S{40,}$", mail.body, re.MULTILINE)
    return found and found[0]


@pytest.fixture
def token(api, alice, mailoutbox):
    assert ask(api, alice).status == 202
    deliver()
    return token_in(mailoutbox[-1])


def confirm(api, token):
    return api.post("auth/email/confirm", {"token": token})


def own_email(api, user):
    return api.get("users/me", by=user).json["email"]


def test_an_address_is_set_when_it_is_confirmed(api, alice, mailoutbox):
    answer = ask(api, alice)
    assert (answer.status, answer.json) == (202, {"email": ADDRESS})
    assert mailoutbox == []  # the request sends nothing
    deliver()
    (mail,) = mailoutbox
    assert (mail.to, "alice" in mail.body, "24 hours" in mail.body) == ([ADDRESS], True, True)
    assert own_email(api, alice) == "alice@example.com"
    answer = confirm(api, token_in(mail))
    assert (answer.status, answer.json) == (200, {"username": "alice", "email": ADDRESS})
    assert own_email(api, alice) == ADDRESS
    assert not EmailChange.objects.exists()


def test_a_token_works_once_also_for_two_at_once(api, alice, token):
    answers = in_parallel(*[lambda: confirm(api, token)] * 4)
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]
    assert confirm(api, token).json["code"] == "bad_token"


def test_the_address_one_has_is_confirmed_once_as_well(api, alice, mailoutbox):
    ask(api, alice, "alice@example.com")
    ask(api, alice, "alice@example.com")
    deliver()
    first, second = map(token_in, mailoutbox)
    assert [confirm(api, each).status for each in (first, first, second)] == [200, 400, 400]


def test_what_ends_a_token(api, alice, token, settings):
    for strange in ("x", token + "x", token[:-1], "a" * 1_000):
        answer = confirm(api, strange)
        assert (answer.status, answer.json["code"], list(answer.json["errors"])) == (400, "bad_token", ["token"])
    for bad in ("", None, 5):
        assert confirm(api, bad).status == 400
    settings.EMAIL_CONFIRM_TIMEOUT = -1
    assert confirm(api, token).json["code"] == "bad_token"


@pytest.mark.parametrize(
    "change", ["password", "address", "deactivated", "activated again", "deleted", "another token"]
)
def test_what_has_changed_ends_a_token(api, alice, token, change, mailoutbox):
    if change == "password":
        assert api.post("users/me/password", {"old": PASSWORD, "new": NEW}, by=alice).status == 200
    elif change == "address":
        User.objects.update_one(alice.pk, email="set-by-the-staff@example.com")
    elif change == "deleted":
        list(services.delete_user(alice.pk))
    elif change == "another token":
        ask(api, alice, "third@example.com")
        deliver()
        assert confirm(api, token_in(mailoutbox[-1])).status == 200
    else:
        services.set_active([alice.pk], active=False)
        if change == "activated again":
            services.set_active([alice.pk], active=True)
    assert confirm(api, token).json["code"] == "bad_token"


def test_a_wrong_password_asks_for_nothing(api, alice):
    answer = ask(api, alice, password="wrong-horse")
    assert (answer.status, answer.json["code"]) == (403, "wrong_password")
    User.objects.filter(pk=alice.pk).update(password="!")
    assert ask(api, alice, password="!").status == 401  # a new password ends the tokens
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize("email", ["", "x", "a@b", "a b@example.com", "a@example.com\nBcc: b@example.com", None, 5])
def test_what_is_no_address(api, alice, email):
    assert list(ask(api, alice, email).json["errors"]) == ["email"]


def test_the_profile_does_not_take_an_address(api, alice):
    answer = api.patch("users/me", {"email": "x@example.com", "city": "X"}, by=alice)
    assert (answer.status, list(answer.json["errors"])) == (400, ["email"])
    assert api.get("users/me", by=alice).json["city"] == ""


@pytest.mark.parametrize("spelled", [ADDRESS, ADDRESS.upper(), ADDRESS.lower()])
def test_a_confirmed_address_is_of_one_account(api, alice, bob, token, spelled, mailoutbox):
    assert ask(api, bob, spelled).status == 202
    deliver()
    late = token_in(mailoutbox[-1])
    assert confirm(api, token).status == 200
    assert confirm(api, late).json["code"] == "bad_token"
    assert ask(api, bob, spelled).status == 202  # nobody learns who has the address
    deliver()
    assert (mailoutbox[-1].to, token_in(mailoutbox[-1])) == ([spelled], None)
    assert "Hello alice" in mailoutbox[-1].body
    assert own_email(api, bob) == ""


def test_accents_and_widths_make_other_addresses(api, alice, bob, mailoutbox):
    for user, email in ((alice, "jose@example.com"), (bob, "josé@example.com")):
        if ask(api, user, email).status == 202:
            deliver()
            assert confirm(api, token_in(mailoutbox[-1])).status == 200


def test_an_address_that_its_account_gave_up_is_free(api, alice, bob, token, mailoutbox):
    confirm(api, token)
    User.objects.update_one(alice.pk, email="set-by-the-staff@example.com")
    ask(api, bob)
    deliver()
    assert confirm(api, token_in(mailoutbox[-1])).status == 200
    ask(api, alice)
    deliver()
    assert token_in(mailoutbox[-1]) is None
    ask(api, bob, "third@example.com")
    deliver()
    assert confirm(api, token_in(mailoutbox[-1])).status == 200
    assert list(ConfirmedEmail.objects.values_list("address", flat=True)) == ["third@example.com"]
    list(services.delete_user(bob.pk))
    assert not ConfirmedEmail.objects.exists()


def confirm_each(texts: list[str]) -> list[bool]:
    """Confirm addresses in a process of its own, one after the other; return for each whether it was done."""
    done = []
    for text in texts:
        try:
            emails.confirm(text)
        except emails.BadToken:
            done.append(False)
        else:
            done.append(True)
    return done


def test_races_for_addresses(api, new_user, mailoutbox):
    """Four processes confirm the same addresses for different users; of every other one, an older record is stale."""
    addresses = [f"race-{number}@example.com" for number in range(12)]
    for number, address in enumerate(addresses[::2]):
        ConfirmedEmail.objects.create(user=new_user(f"was_{number}"), address=address)
    for number in range(4):
        for place, address in enumerate(addresses):
            emails.request_change(new_user(f"racer_{number}_{place}").pk, address)
    deliver()
    tokens = list(map(token_in, mailoutbox))
    racers = [tokens[number * 12 : number * 12 + 12] for number in range(4)]
    outcomes = run_in_processes(*[(confirm_each, each) for each in racers])
    assert [sum(done) for done in zip(*outcomes, strict=True)] == [1] * 12
    for address in addresses:
        assert ConfirmedEmail.objects.get(address=address).user.email == address
        assert User.objects.filter(email=address).count() == 1


def test_resets_go_to_who_has_confirmed_the_address(api, alice, bob, token, mailoutbox):
    User.objects.update_one(bob.pk, email=ADDRESS)  # as the staff may do, or releases before
    api.post("auth/password/reset", {"email": ADDRESS.lower()})
    deliver()
    assert [mail.to for mail in mailoutbox[1:]] == [[ADDRESS]]  # bob has it, nobody has confirmed it
    confirm(api, token)
    mailoutbox.clear()
    api.post("auth/password/reset", {"email": ADDRESS.lower()})
    deliver()
    assert ["Hello alice" in mail.body for mail in mailoutbox] == [True]
    answer = api.post("auth/password/reset/confirm", {"token": token_in(mailoutbox[0]), "password": NEW})
    assert answer.json == {"username": "alice"}
    services.set_active([alice.pk], active=False)
    mailoutbox.clear()
    api.post("auth/password/reset", {"email": ADDRESS})
    deliver()
    assert mailoutbox == []


def test_mails_are_bounded_for_each_account_and_each_address(api, alice, bob, settings, mailoutbox):
    settings.THROTTLES = {"email": (0.001, 3), "email_address": (0.001, 2)}
    assert [ask(api, alice).status for _ in range(3)] == [202] * 3
    refused = ask(api, alice)
    assert (refused.status, refused.json["code"], int(refused.headers["retry-after"]) > 0) == (429, "throttled", True)
    assert ask(api, bob, ADDRESS.upper()).status == 202  # the answer does not show it
    deliver()
    assert len(mailoutbox) == 2


def test_a_wrong_password_costs_no_mail(api, alice, settings):
    settings.THROTTLES = {"email": (0.001, 1)}
    for _ in range(3):
        assert ask(api, alice, password="wrong").status == 403
    assert ask(api, alice).status == 202


def test_a_request_that_waited_too_long_or_for_nobody_is_dropped(api, alice, bob, settings, mailoutbox):
    ask(api, alice)
    ask(api, bob, "bob@example.com")
    services.set_active([bob.pk], active=False)
    old = timezone.now() - timedelta(seconds=settings.EMAIL_CONFIRM_TIMEOUT + 1)
    EmailChange.objects.filter(user=alice).update(created_at=old)
    deliver()
    assert (mailoutbox, EmailChange.objects.exists()) == ([], False)


@pytest.mark.one_redis
def test_budgets(api, alice, throttled):
    api.get("users/me", by=alice)
    for email in (ADDRESS, "alice@example.com"):  # the same whoever has the address
        with budget(sql=2, round_trips=3, commands=4):  # the account, the insert; the caller, two throttles
            ask(api, alice, email)


@pytest.mark.parametrize(
    ("days", "status"), [(0, 200), (1, 400), (-1, 200), (20, 400), (-365 * 200, 400), (-365 * 90, 200)]
)
def test_birthdays(api, alice, root, days, status):
    day = (timezone.now().date() + timedelta(days=days)).isoformat()
    answer = api.patch("users/me", {"birthday": day}, by=alice)
    assert (answer.status, list(answer.json.get("errors", []))) == (status, ["birthday"] if status == 400 else [])
    page = root.get(f"/admin/users/user/{alice.pk}/change/")
    fields = page.context["adminform"].form.initial | {"birthday": day, "password": ""}
    given = {name: value for name, value in fields.items() if value not in (None, False, "") and name != "groups"}
    done = root.post(f"/admin/users/user/{alice.pk}/change/", given)
    assert (done.status_code == 302) == (status == 200), done.content.decode()[:3000]


def test_a_birthday_of_before_does_not_block_other_edits(alice, root):
    day = timezone.now().date() + timedelta(days=20)
    User.objects.update_one(alice.pk, birthday=day)
    given = {"username": "alice", "nickname": "Al", "level": 1, "is_active": "on", "birthday": day.isoformat()}
    assert root.post(f"/admin/users/user/{alice.pk}/change/", given).status_code == 302
    assert User.objects.get(pk=alice.pk).nickname == "Al"

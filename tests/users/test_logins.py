"""Logins: rotation of refresh tokens, log-out, and the end of every other login."""

import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from api import generations
from tests.support.budgets import budget
from tests.support.cast import PASSWORD
from tests.support.threads import in_parallel
from users import logins, services
from users.models import Login, User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def log_in(api):
    """log_in(username) returns the tokens of a new login."""
    return lambda username="alice": api.post("auth/token", {"username": username, "password": PASSWORD}).json


def refreshed(api, tokens):
    return api.post("auth/token/refresh", {"refresh": tokens["refresh"]})


def is_valid(api, tokens):
    """Return whether the access token of a login is honoured; a refused one has the one code."""
    answer = api.get("users/me", by=tokens["access"])
    assert answer.status == 200 or (answer.status, answer.json["code"]) == (401, "token_not_valid")
    return answer.status == 200


def test_a_refresh_rotates(api, alice, log_in):
    first = log_in()
    second = refreshed(api, first).json
    third = refreshed(api, second).json
    assert is_valid(api, third)
    assert is_valid(api, first)  # access tokens live on
    login = Login.objects.get()
    assert (login.user_id, login.last_used_at > login.created_at) == (alice.pk, True)


def test_a_refresh_token_that_was_used_ends_its_login_alone(api, alice, log_in):
    other, first = log_in(), log_in()
    second = refreshed(api, first).json
    assert is_valid(api, second)
    assert (refreshed(api, first).status, refreshed(api, second).status) == (401, 401)
    assert not is_valid(api, second)
    assert not is_valid(api, first)
    assert is_valid(api, other)
    assert refreshed(api, other).status == 200


def test_of_two_refreshes_at_once_one_wins_at_most_and_both_are_over(api, alice, log_in):
    tokens = log_in()
    answers = in_parallel(*[lambda: refreshed(api, tokens)] * 4)
    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401]
    (won,) = (answer.json for answer in answers if answer.status == 200)
    assert not is_valid(api, won)
    assert refreshed(api, won).status == 401


def test_log_out_ends_this_login_at_once_and_may_be_repeated(api, alice, log_in):
    here, there = log_in(), log_in()
    here = refreshed(api, here).json
    assert is_valid(api, here)
    for _ in range(3):
        assert api.post("auth/logout", {"refresh": here["refresh"]}).status == 204
    assert not is_valid(api, here)
    assert refreshed(api, here).status == 401
    assert is_valid(api, there)
    assert refreshed(api, there).status == 200


def test_log_out_with_a_used_token_ends_the_login_too(api, alice, log_in):
    first = log_in()
    second = refreshed(api, first).json
    assert api.post("auth/logout", {"refresh": first["refresh"]}).status == 204
    assert not is_valid(api, second)


def test_log_out_of_a_deleted_user(api, alice, log_in):
    tokens = log_in()
    for _ in services.delete_user(alice.pk):
        pass
    assert not Login.objects.exists()
    assert api.post("auth/logout", {"refresh": tokens["refresh"]}).status == 204
    assert refreshed(api, tokens).status == 401


def test_more_log_outs_than_the_account_can_list(api, alice):
    keep = logins.begin(alice.pk, generation=0, user_agent="")
    gone = [logins.begin(alice.pk, generation=0, user_agent="") for _ in range(120)]
    for tokens in gone:
        assert api.post("auth/logout", {"refresh": tokens["refresh"]}).status == 204
    assert not any(is_valid(api, tokens) for tokens in gone)
    assert not is_valid(api, keep)  # an access token of another login may have to be refreshed
    keep = refreshed(api, keep).json
    assert is_valid(api, keep)
    assert len(User.objects.get().ended_logins) <= generations.MOST_CHARACTERS


def test_the_list_of_ended_logins_forgets_what_has_expired(api, alice, log_in):
    User.objects.filter(pk=alice.pk).update(ended_logins=f" 5:{int(time.time()) - 1} 6:{int(time.time()) + 60}")
    api.post("auth/logout", {"refresh": log_in()["refresh"]})
    entries = User.objects.get().ended_logins.split()
    assert [entry.partition(":")[0] for entry in entries] == ["6", str(int(entries[1].partition(":")[0]))]


@pytest.mark.parametrize("ended", ["15:9999999999", " 51:9999999999", " 2:5 3:5"])
def test_other_ids_are_not_mistaken(ended):
    assert not generations.has_ended(ended, 5)
    assert not generations.has_ended(ended, 1)


def by_form(root, alice, **changes):
    address = f"/admin/users/user/{alice.pk}/change/"
    form = root.get(address).context["adminform"].form
    data = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)} | changes
    assert root.post(address, {name: value for name, value in data.items() if value is not None}).status_code == 302


def by_password_page(root, alice):
    data = {"usable_password": "true", "password1": "new-horse-77", "password2": "new-horse-77"}
    assert root.post(f"/admin/users/user/{alice.pk}/password/", data).status_code == 302


def by_command(root, alice, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda *args, **options: "new-horse-77")
    call_command("changepassword", "alice", verbosity=0)


def by_set_password(root, alice):
    alice.set_password("new-horse-77")
    alice.save()


def by_set_password_alone(root, alice):
    user = User.objects.only("password").get(pk=alice.pk)
    user.set_password("new-horse-77")
    user.save()


def by_update_fields(root, alice):
    alice.password = "!"
    alice.save(update_fields=["password"])


def by_bulk_update(root, alice):
    alice.set_password("new-horse-77")
    User.objects.bulk_update([alice], ["password"])


def by_update_one(root, alice):
    User.objects.update_one(alice.pk, password="!")


def deactivated(root, alice):
    services.set_active([alice.pk], active=False)


def deactivated_by_form(root, alice):
    by_form(root, alice, is_active=None)


def deactivated_by_save(root, alice):
    alice.is_active = False
    alice.save()


def deactivated_by_queryset(root, alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)


def deactivated_by_old_code(root, alice):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE users_user SET is_active = 0 WHERE id = %s", [alice.pk])


def by_fixture(root, alice, tmp_path):
    fixture = tmp_path / "accounts.json"
    call_command("dumpdata", "users.user", pks=str(alice.pk), output=str(fixture), verbosity=0)
    User.objects.filter(pk=alice.pk).update(password="!")
    call_command("loaddata", str(fixture), verbosity=0)


ENDINGS = [
    by_fixture,
    by_password_page, by_command, by_set_password, by_set_password_alone, by_update_fields, by_bulk_update,
    by_update_one, deactivated, deactivated_by_form, deactivated_by_save, deactivated_by_queryset,
    deactivated_by_old_code,
]  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
def test_no_token_survives(api, root, alice, log_in, monkeypatch, tmp_path, ending):
    tokens = [
        log_in(),
        log_in(),
        {"access": str(AccessToken.for_user(alice)), "refresh": str(RefreshToken.for_user(alice))},
    ]
    assert all(is_valid(api, each) for each in tokens)
    ending(root, alice, *{by_command: [monkeypatch], by_fixture: [tmp_path]}.get(ending, []))
    assert {refreshed(api, each).status for each in tokens} == {401}
    services.set_active([alice.pk], active=True)
    for each in tokens:
        assert not is_valid(api, each)
        assert refreshed(api, each).status == 401


def test_what_changes_nothing_ends_nothing(api, root, alice, log_in):
    tokens = log_in()
    by_form(root, alice, nickname="Ann")
    User.objects.filter(pk=alice.pk).update(is_active=True, nickname="A")
    User.objects.get(pk=alice.pk).save()
    api.patch("users/me", {"city": "X"}, by=tokens["access"])
    services.set_active([alice.pk], active=True)
    assert is_valid(api, tokens)
    assert refreshed(api, tokens).status == 200


def test_a_row_that_was_read_before_brings_no_token_back(api, alice, log_in):
    tokens, stale = log_in(), User.objects.get(pk=alice.pk)
    api.post("auth/logout", {"refresh": tokens["refresh"]})
    stale.nickname = "Stale"
    stale.save()
    assert not is_valid(api, tokens)
    User.objects.filter(pk=alice.pk).update(password="!")
    stale.save()
    assert not is_valid(api, tokens)


def test_a_hash_that_log_in_replaces_ends_nothing(api, alice, log_in, settings):
    tokens = log_in()
    before = User.objects.get().password
    settings.PASSWORD_HASHERS = ["users.hashers.ServerArgon2PasswordHasher"]
    assert log_in()["access"]
    assert User.objects.get().password != before
    assert is_valid(api, tokens)


def test_a_log_in_that_a_new_password_overtakes_is_over(api, alice):
    User.objects.filter(pk=alice.pk).update(password="!")
    late = logins.begin(alice.pk, generation=alice.token_generation, user_agent="")
    assert not is_valid(api, late)
    assert refreshed(api, late).status == 401


def test_a_log_in_of_a_user_who_is_deleted_meanwhile(alice):
    with pytest.raises(User.DoesNotExist):
        logins.begin(alice.pk + 1, generation=0, user_agent="")


def test_tokens_of_an_earlier_release(api, alice, log_in):
    old = {"access": str(AccessToken.for_user(alice)), "refresh": str(RefreshToken.for_user(alice))}
    assert is_valid(api, old)
    new = refreshed(api, old).json
    assert Login.objects.get().user_id == alice.pk
    assert is_valid(api, new)
    assert refreshed(api, new).status == 200
    assert api.post("auth/logout", {"refresh": old["refresh"]}).status == 204
    assert not is_valid(api, old)
    other = log_in()
    assert api.post("auth/logout", {"refresh": old["refresh"]}).status == 204
    assert is_valid(api, other)  # the password has changed since, as it were


def test_a_login_knows_its_device_in_short(api, alice):
    body = {"username": "alice", "password": PASSWORD}
    api.post("auth/token", body, headers={"user-agent": "Phone é " + "x" * 500})
    api.post("auth/token", body)
    assert [len(agent) for agent in Login.objects.order_by("pk").values_list("user_agent", flat=True)] == [200, 0]


def test_logins_that_expired_are_swept(api, alice, log_in):
    tokens = log_in()
    old = timezone.now() - timedelta(seconds=1)
    Login.objects.bulk_create(Login(user_id=alice.pk, expires_at=old) for _ in range(450))
    call_command("sweep_removed", once=True, verbosity=0)
    assert Login.objects.count() == 1
    assert refreshed(api, tokens).status == 200


@pytest.mark.one_redis
def test_budgets(api, alice, log_in, throttled):
    tokens = log_in()
    api.get("users/me", by=tokens["access"])
    api.post("auth/logout", {"refresh": log_in()["refresh"]})
    api.get("users/me", by=tokens["access"])
    with budget(sql=0, round_trips=1, commands=2):  # also while a login of the account has ended
        assert is_valid(api, tokens)
    with budget(sql=2, round_trips=1, commands=1):  # the account, the guarded UPDATE; the throttle
        tokens = refreshed(api, tokens).json
    with budget(sql=4, round_trips=3, commands=3):  # lock, delete, lock, update; throttle, hold, lift
        api.post("auth/logout", {"refresh": tokens["refresh"]})

"""Names of deleted and renamed accounts: for 90 days nobody else can take them, whatever code tries."""

from datetime import timedelta
from functools import partial
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.support.api_client import ApiClient
from tests.support.cast import PASSWORD
from tests.support.forkserver import Fork, run_connected, run_in_processes
from tests.support.threads import Task
from tests.users.erasing import register_and_leave, rename_and_pause
from users import seeding, services
from users.models import FormerName, User
from users.usernames import FORMER_NAME_DAYS, UsernameReserved

pytestmark = pytest.mark.django_db(transaction=True)


def register(name):
    return ApiClient().post("users", {"username": name, "password": PASSWORD})


@pytest.fixture(params=["deleted", "renamed"])
def former(request, alice):
    """The name of an account that is gone, or has another name by now."""
    if request.param == "deleted":
        list(services.delete_user(alice.pk))
    else:
        User.objects.update_one(alice.pk, username="alicia")
    return "alice"


def test_registration(former):
    for spelling in ("alice", "ALICE", "aLiCe"):
        answer = register(spelling)
        assert (answer.status, answer.json["code"]) == (400, "username_taken")
        assert "username" in answer.json["errors"]
    assert register("alice2").status == 201
    assert not User.objects.filter(username="alice").exists()


def test_the_admin(former, root):
    form = {
        "username": "Alice",
        "nickname": "",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    page = root.post("/admin/users/user/add/", form)
    assert page.status_code == 200
    assert b"This username is taken." in page.content
    form["username"] = "alice2"
    assert root.post("/admin/users/user/add/", form).status_code == 302


def test_createsuperuser(former, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="taken"):
        call_command("createsuperuser", interactive=False, username="Alice", stdout=StringIO())
    assert not User.objects.filter(username="alice").exists()


def test_every_other_way(former, bob):
    with pytest.raises(UsernameReserved):
        User.objects.create_one(username="alice")
    with pytest.raises(UsernameReserved), transaction.atomic():
        User.objects.bulk_create([User(pk=bob.pk + 10, username="Alice"), User(pk=bob.pk + 11, username="other")])
    with pytest.raises(UsernameReserved):
        User.objects.filter(pk=bob.pk).update(username="ALICE")
    with pytest.raises(UsernameReserved):
        User.objects.update_one(bob.pk, username="alice")
    bob.username = "alice"
    for write in (bob.save, lambda: User.objects.bulk_update([bob], ["username"])):
        with pytest.raises(IntegrityError):
            write()
    with pytest.raises(ValidationError, match="taken"):
        bob.full_clean()
    assert set(User.objects.exclude(username="alicia").values_list("username", flat=True)) == {"bob"}
    assert not FormerName.objects.filter(name="bob").exists()


def test_the_owner_takes_it_back(alice, bob):
    User.objects.filter(pk=alice.pk).update(username="alicia")
    assert register("alice").status == 400
    User.objects.update_one(alice.pk, username="ALICE")
    assert set(FormerName.objects.values_list("name", "user_id")) == {("alicia", alice.pk)}
    fresh = User.objects.get(pk=alice.pk)
    fresh.username = "Alice"  # the same name
    fresh.save()
    assert set(FormerName.objects.values_list("name", flat=True)) == {"alicia"}
    list(services.delete_user(alice.pk))
    assert {register(name).status for name in ("alice", "alicia")} == {400}


def test_what_is_no_renaming_reserves_nothing(alice):
    User.objects.filter(pk=alice.pk).update(nickname="Al", is_active=False)
    alice.refresh_from_db()
    alice.city = "X"
    alice.save()
    assert not FormerName.objects.exists()


def test_the_end_of_the_reservation(former):
    reserved = FormerName.objects.get(name="alice")
    assert abs(reserved.reserved_until - timezone.now() - timedelta(days=FORMER_NAME_DAYS)) < timedelta(minutes=5)
    call_command("sweep_removed", once=True, stdout=StringIO())
    assert FormerName.objects.filter(name="alice").exists()
    FormerName.objects.update(reserved_until=timezone.now() - timedelta(seconds=1))
    newcomer = register("alice")
    assert newcomer.status == 201
    call_command("sweep_removed", once=True, stdout=StringIO())
    assert not FormerName.objects.exists()
    User.objects.update_one(newcomer.json["id"], username="alison")
    assert FormerName.objects.get().user_id == newcomer.json["id"]


@pytest.mark.parametrize("by", ["deletion", "renaming"])
def test_who_waits_for_a_name_finds_it_reserved(alice, by):
    """The registration begins while the name is taken, and its insert waits for the transaction that frees it."""
    with Fork(run_connected, rename_and_pause, by, alice.pk) as fork:
        fork.wait_until_paused().resume().wait_until_paused()
        asking = Task(partial(register_and_leave, "Alice", 1))
        asking.join(1)
        fork.resume().result()
        assert asking.result() == 0
    assert not User.objects.filter(username="alice").exists()


def test_many_want_one_name_that_comes_and_goes():
    """Whoever registers it leaves at once: one alone ever has it."""
    outcomes = run_in_processes(*[(register_and_leave, "racer", 5)] * 4)
    assert sum(outcomes) == 1
    assert not User.objects.filter(username="racer").exists()
    assert FormerName.objects.get().name == "racer"


def test_demo_users_come_back_under_their_names():
    assert seeding.seed_users(2, "correct-horse-battery") == 3
    user = User.objects.get(username=seeding.example_username())
    list(services.delete_user(user.pk))
    assert seeding.seed_users(2, "correct-horse-battery") == 1
    assert User.objects.filter(username=user.username).exists()

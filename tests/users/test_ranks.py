"""Nobody makes themselves a superuser, and nobody manages who stands above: by no page, action or extra field."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client

from tests.support.admin_actions import run_action
from tests.support.cast import PASSWORD
from users.models import User, UserState

pytestmark = pytest.mark.django_db(transaction=True)
USERS, STATES, GROUPS, LOG = (
    f"/admin/{name}/" for name in ("users/user", "users/userstate", "auth/group", "admin/logentry")
)
NEW_PASSWORD = {"usable_password": "true", "password1": "new-horse-77", "password2": "new-horse-77"}
RANKS = {"is_staff": "on", "is_superuser": "on"}


@pytest.fixture
def log_in(new_user):
    def log_in(username: str, *permissions: str, **columns) -> Client:
        user = new_user(username, **{"is_staff": True, **columns})
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions) if permissions else [])
        client = Client()
        client.force_login(user)
        client.user = user
        return client

    return log_in


@pytest.fixture
def staff(log_in):
    """Staff with every permission that can be given, but no superuser."""
    client = log_in("moderator")
    client.user.user_permissions.set(Permission.objects.all())
    return client


@pytest.fixture
def boss(new_user):
    return new_user("boss", is_staff=True, is_superuser=True, email="boss@example.com")


def form_of(page) -> dict:
    form = page.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in values.items() if value not in (None, False)}


def row(user) -> dict:
    return User.objects.filter(pk=user.pk).values().get()


def test_staff_cannot_raise_themselves_or_others(staff, alice):
    group = Group.objects.create(name="all")
    extra = {**RANKS, "groups": [group.pk], "user_permissions": [Permission.objects.first().pk]}
    for user in (staff.user, alice):
        before = row(user)
        form = {"username": user.username, "level": 1, "nickname": "New", "is_active": "on", **extra}
        staff.post(f"{USERS}{user.pk}/change/", form)
        after = row(user)
        assert (after["is_staff"], after["is_superuser"]) == (before["is_staff"], before["is_superuser"])
        assert not User.objects.get(pk=user.pk).groups.exists()
    assert row(alice)["nickname"] == "New"  # the form itself was taken
    assert not alice.user_permissions.exists()
    page = staff.get(f"{USERS}{alice.pk}/change/")
    assert not set(page.context["adminform"].form.fields) & {"is_staff", "is_superuser", "groups", "user_permissions"}


@pytest.mark.parametrize("above", ["boss", "sam", "moderator"])
def test_who_does_not_stand_below_is_not_managed(request, staff, above):
    above = staff.user if above == "moderator" else request.getfixturevalue(above)
    UserState.objects.create_one(user_id=above.pk, message="here")
    before, entries = row(above), LogEntry.objects.count()
    page = staff.get(f"{USERS}{above.pk}/change/")
    assert page.status_code == 200  # they may view
    assert "argon2" not in page.content.decode()
    assert "../password/" not in page.content.decode()
    for address, form in (
        ("change", {**before, "email": "mine@example.com"}), ("change", {"_save": "1"}), ("password", NEW_PASSWORD),
        ("password", {"usable_password": "false", "unset-password": "1"}), ("delete", {"post": "yes"}),
    ):  # fmt: skip
        form = {name: value for name, value in form.items() if value is not None}
        assert staff.post(f"{USERS}{above.pk}/{address}/", form).status_code == 403, address
        assert staff.post(f"{STATES}{above.pk}/{address}/", {**form, "message": "gone"}).status_code in (302, 403, 404)
    assert staff.get(f"{USERS}{above.pk}/password/").status_code == 403
    assert staff.get(f"{USERS}{above.pk}/delete/").status_code == 403
    assert f"You may not change {above.username}; nothing was changed." in run_action(staff, USERS, "deactivate", above)
    for address in (USERS, STATES):
        deletion = {"action": "delete_selected", "_selected_action": [above.pk], "post": "yes"}
        assert staff.post(address, deletion).status_code == 403
    assert staff.post(f"{STATES}{above.pk}/change/", {"status": "away"}).status_code == 403
    assert row(above) == before
    assert UserState.objects.get(pk=above.pk).message == "here"
    assert LogEntry.objects.count() == entries


def test_an_action_on_some_who_stand_above_changes_nobody(staff, boss, alice):
    assert "You may not change boss" in run_action(staff, USERS, "deactivate", alice, boss)
    deletion = {"action": "delete_selected", "_selected_action": [alice.pk, boss.pk], "post": "yes"}
    assert staff.post(USERS, deletion).status_code == 403
    assert User.objects.filter(pk__in=[alice.pk, boss.pk], is_active=True).count() == 2
    assert not LogEntry.objects.exists()


def test_a_state_is_not_made_for_who_stands_above(staff, boss, alice):
    form = {"status": "away", "message": "x"}
    assert (
        "is not one of the available choices" in staff.post(f"{STATES}add/", {**form, "user": boss.pk}).content.decode()
    )
    assert staff.post(f"{STATES}add/", {**form, "user": alice.pk}).status_code == 302
    staff.post(f"{STATES}{alice.pk}/change/", {**form, "user": boss.pk, "message": "y"})
    assert list(UserState.objects.values_list("user_id", "message")) == [(alice.pk, "y")]


def test_staff_manage_users(api, staff, alice, bob):
    assert staff.post(f"{USERS}{alice.pk}/password/", NEW_PASSWORD).status_code == 302
    assert api.post("auth/token", {"username": "alice", "password": "new-horse-77"}).status == 200
    assert "1 accounts deactivated." in run_action(staff, USERS, "deactivate", bob)
    assert staff.post(f"{USERS}{alice.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()


@pytest.mark.parametrize("permissions", [("add_user",), ("add_user", "change_user"), ("add_user", "view_user")])
def test_adding_accounts_makes_no_staff(log_in, permissions):
    client = log_in("adder", *permissions)
    for extra in (RANKS, {**RANKS, "_saveasnew": "1", "_continue": "1"}):
        name = f"newbie{len(extra)}"
        client.post(f"{USERS}add/", {"username": name, "level": 1, **NEW_PASSWORD, **extra})
        client.post(f"{USERS}{client.user.pk}/change/", {"username": name, "level": 1, **NEW_PASSWORD, **extra})
    assert not User.objects.exclude(pk=client.user.pk).filter(is_staff=True).exists()
    assert not User.objects.filter(is_superuser=True).exists()
    assert ("change_user" in permissions) <= User.objects.filter(username="newbie2").exists()


def test_groups_are_a_superuser_s_business(staff):
    group = Group.objects.create(name="moderators")
    staff.user.groups.add(group)
    everything = list(Permission.objects.values_list("pk", flat=True))
    assert staff.get(f"{GROUPS}{group.pk}/change/").status_code == 200
    assert staff.post(f"{GROUPS}{group.pk}/change/", {"name": "x", "permissions": everything}).status_code == 403
    assert staff.post(f"{GROUPS}add/", {"name": "x", "permissions": everything}).status_code == 403
    staff.post(GROUPS, {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"})
    assert Group.objects.get().permissions.count() == 0


def test_the_log_is_a_superuser_s_to_read_and_nobody_s_to_change(staff, boss, alice):
    run_action(staff, USERS, "deactivate", alice)
    entry = LogEntry.objects.get()
    root = Client()
    root.force_login(boss)
    assert staff.get(LOG).status_code == 403
    assert staff.get(f"{LOG}{entry.pk}/change/").status_code == 403
    page = root.get(LOG, {"q": "moderator"}).content.decode()
    for what in ("moderator", "alice", "Deactivated."):
        assert what in page
    assert root.get(f"{LOG}{entry.pk}/change/").status_code == 200
    for address in (f"{LOG}{entry.pk}/change/", f"{LOG}{entry.pk}/delete/", f"{LOG}add/"):
        assert root.post(address, {"post": "yes"}).status_code == 403
    root.post(LOG, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    assert LogEntry.objects.get() == entry


def test_a_superuser_manages_everybody_but_does_not_delete_themselves(root, boss, sam, alice):
    me = User.objects.get(username="root")
    for user in (boss, sam, alice, me):
        form = {**form_of(root.get(f"{USERS}{user.pk}/change/")), "nickname": "New"}
        assert root.post(f"{USERS}{user.pk}/change/", form).status_code == 302
        assert row(user)["nickname"] == "New"
    assert root.post(f"{USERS}{sam.pk}/password/", NEW_PASSWORD).status_code == 302
    assert root.post(f"{USERS}{me.pk}/delete/", {"post": "yes"}).status_code == 403
    assert root.post(f"{USERS}{boss.pk}/delete/", {"post": "yes"}).status_code == 302
    form = {**form_of(root.get(f"{USERS}{alice.pk}/change/")), **RANKS}
    assert root.post(f"{USERS}{alice.pk}/change/", form).status_code == 302
    assert row(alice)["is_superuser"]


def test_a_log_in_to_the_admin_is_not_a_rank(log_in, alice):
    """Staff without permissions, and users with all of them, get nowhere."""
    nobody = log_in("nobody")
    user = log_in("plain", is_staff=False)
    user.user.user_permissions.set(Permission.objects.all())
    for client in (nobody, user):
        assert client.get(f"{USERS}{alice.pk}/change/").status_code in (302, 403)
        client.post(f"{USERS}{alice.pk}/password/", NEW_PASSWORD)
    assert User.objects.get(pk=alice.pk).check_password(PASSWORD)

"""Passwords are normalised, everywhere alike, and hashes from before still admit their owners."""

import os
import time
from io import StringIO

import argon2
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.core.management import CommandError, call_command
from django.test import Client

from tests.support.cast import PASSWORD
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

USERS = "/admin/users/user/"
NFC, NFD = "schlüssel-für-mich", "schlu\u0308ssel-fu\u0308r-mich"
SPELLINGS = [
    (NFC, NFD),
    (NFD, NFC),
    ("ｐａｐａｇａｙ－７７", "papagay-77"),
    ("papagay 77 xy", "papagay\u00a077\u3000xy"),
    ("papagay 77 xy", "papagay\u168077 xy"),
    ("한국어비밀번호입니다", "\u1112\u1161\u11ab국어비밀번호입니다"),
]


def old_hash(password: str) -> str:
    """Return a hash of the text as it is, as it was made before passwords were normalised."""
    hasher = Argon2PasswordHasher()
    hasher.time_cost, hasher.memory_cost, hasher.parallelism = 1, 8, 1
    return hasher.encode(password, hasher.salt())


def may_log_in(api, username: str, password: str) -> bool:
    return api.post("auth/token", {"username": username, "password": password}).status == 200


def may_log_in_to_admin(username: str, password: str) -> bool:
    page = Client().post("/admin/login/?next=/admin/", {"username": username, "password": password})
    return page.status_code == 302


@pytest.mark.parametrize(("chosen", "typed"), SPELLINGS)
def test_two_spellings_of_a_password_are_one(api, chosen, typed):
    assert api.post("users", {"username": "ann", "password": chosen}).status == 201
    User.objects.filter(username="ann").update(is_staff=True)
    for password in (chosen, typed):
        assert may_log_in(api, "ann", password)
        assert may_log_in_to_admin("ann", password)
    assert not may_log_in(api, "ann", typed + "x")


@pytest.mark.parametrize(("chosen", "typed"), SPELLINGS)
def test_the_admin_and_the_commands_normalise_too(api, root, alice, monkeypatch, chosen, typed):
    form = {"usable_password": "true", "password1": chosen, "password2": chosen}
    assert root.post(f"{USERS}{alice.pk}/password/", form).status_code == 302
    assert root.post(f"{USERS}add/", {"username": "newbie", **form}).status_code == 302
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", chosen)
    call_command("createsuperuser", "--noinput", username="boss", stdout=StringIO())
    monkeypatch.setattr("getpass.getpass", lambda prompt="": chosen)
    User.objects.create_user("carl")
    call_command("changepassword", "carl", stdout=StringIO())
    for name in ("alice", "newbie", "boss", "carl"):
        assert may_log_in(api, name, typed), name


def test_a_hash_from_before_is_accepted_once_in_its_spelling_then_in_every_one(api, new_user):
    ann = new_user("ann")
    User.objects.filter(pk=ann.pk).update(password=old_hash(NFD))
    assert not may_log_in(api, "ann", NFC)
    assert not may_log_in(api, "ann", NFD + "x")
    assert may_log_in(api, "ann", NFD)
    assert may_log_in(api, "ann", NFC)
    new = User.objects.get(pk=ann.pk).password
    assert may_log_in(api, "ann", NFD)
    assert User.objects.get(pk=ann.pk).password == new


def test_the_asynchronous_check_is_the_same(alice):
    User.objects.filter(pk=alice.pk).update(password=old_hash(NFD))
    alice.refresh_from_db()
    check = async_to_sync(alice.acheck_password)
    assert [check(password) for password in ("x", NFC, NFD, NFC)] == [False, False, True, True]


@pytest.mark.parametrize(
    "password",
    [
        "a\0bcdefghij",
        "abcdefgh\x1bij",
        "abcdefgh\nij",
        "abcdefgh\tij",
        "abcdefgh\x85ij",
        "abcdefgh\ue000ij",
        "abcdefgh\u0378ij",
        "abcdefgh\uffffij",
        " " * 12,
        "\u3000" * 12,
        "e\u0301" * 7,
        "ｐａｓｓｗｏｒｄ１２３",
        "８４６２９１７３６５０",
        "ａｌｉｃｅ１２３",
        "x" * 129,
        "\ufdfa" * 20,
        "e\u0301\u0327" * 1_000,
    ],
)
def test_the_rules_apply_to_the_normalised_password_everywhere(api, root, alice, monkeypatch, password):
    answer = api.post("users", {"username": "alice123", "password": password})
    assert list(answer.json["errors"]) == ["password"]
    form = {"usable_password": "true", "password1": password, "password2": password}
    before = User.objects.get(pk=alice.pk).password
    page = root.post(f"{USERS}{alice.pk}/password/", form)
    assert page.status_code == 200
    monkeypatch.setattr("getpass.getpass", lambda prompt="": password)
    with pytest.raises(CommandError):
        call_command("changepassword", "alice", stdout=StringIO(), stderr=StringIO())
    assert User.objects.get(pk=alice.pk).password == before


def test_128_characters_are_counted_after_normalisation(api):
    assert api.post("users", {"username": "ann", "password": "e\u0301f" * 42 + "xy"}).status == 201
    assert may_log_in(api, "ann", "éf" * 42 + "xy")


@pytest.mark.parametrize("password", ["abcdefgh\udc80ij", "abcdefgh\x1bij", "abc\0defghij", "   ", "x" * 129])
def test_createsuperuser_refuses_what_nobody_can_type(monkeypatch, password):
    monkeypatch.setattr("os.environ", {**os.environ, "DJANGO_SUPERUSER_PASSWORD": password})
    with pytest.raises(CommandError):
        call_command("createsuperuser", "--noinput", username="boss", stdout=StringIO())
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["x\udc80", "\udfff\ud800"])
def test_lone_surrogates_are_no_server_error(api, alice, password):
    assert authenticate(None, username="alice", password=password) is None
    assert authenticate(None, username="nobody", password=password) is None
    body = b'{"username": "alice", "password": "abc\\udc80"}'
    assert api.post("auth/token", body).status == 400
    assert api.post("users", body).status == 400


def test_a_huge_password_is_refused_soon(alice):
    """The sort of marks in a normalisation takes time by the square of their number."""
    began = time.perf_counter()
    assert not may_log_in_to_admin("alice", "a" + "\u0301\u0327" * 300_000)
    assert time.perf_counter() - began < 5


class TestTime:
    """A log-in that fails computes as many hashes for every kind of account."""

    @pytest.fixture
    def hashes(self, monkeypatch):
        """A list that grows by one for each computed hash."""
        computed: list[str] = []
        encode, verify = argon2.low_level.hash_secret, argon2.PasswordHasher.verify

        def counted_encode(*args, **options):
            computed.append("encode")
            return encode(*args, **options)

        def counted_verify(self, *args):
            computed.append("verify")
            return verify(self, *args)

        monkeypatch.setattr(argon2.low_level, "hash_secret", counted_encode)
        monkeypatch.setattr(argon2.PasswordHasher, "verify", counted_verify)
        return computed

    @pytest.mark.parametrize(("password", "expected"), [("wrong-password", 1), (NFD, 2), ("x\udc80", 1)])
    def test_no_account_can_be_told_from_another(self, api, new_user, hashes, password, expected):
        new_user("known")
        new_user("inactive", is_active=False)
        new_user("unusable")
        User.objects.filter(username="unusable").update(password=make_password(None))
        new_user("old")
        User.objects.filter(username="old").update(password=old_hash("other-" + NFD))
        counts = {}
        for name in ("known", "inactive", "unusable", "old", "unknown", "not-by-the-rule", "knówn", "x" * 200):
            hashes.clear()
            assert authenticate(None, username=name, password=password) is None
            counts[name] = len(hashes)
        assert set(counts.values()) == {expected}, counts

    def test_by_the_time_of_the_processor(self, settings, new_user):
        settings.PASSWORD_HASHERS = ["users.hashers.ServerArgon2PasswordHasher"]
        User.objects.filter(pk=new_user("known").pk).update(password=make_password(PASSWORD))
        times: dict[str, list[float]] = {"known": [], "unknown": [], "knówn": []}
        for _ in range(9):
            for name, taken in times.items():
                began = time.process_time()
                authenticate(None, username=name, password=NFD)
                taken.append(time.process_time() - began)
        least = {name: min(taken) for name, taken in times.items()}  # the others were disturbed
        assert max(least.values()) < 1.5 * min(least.values()), least

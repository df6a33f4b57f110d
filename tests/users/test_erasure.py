"""Deletion of an account, by its owner and by the staff: gone at once, in the tables and in Redis."""

from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from caching.api import redis_client
from jobs import deletion
from popups.models import Day, Event, Popup, UserPopup
from posts import services as posts
from posts.models import Post
from ratings import services as ratings
from social import services as social
from social.models import Follow
from tests.support.cast import PASSWORD
from tests.users.famous_user import drifts, finish, keys_naming
from users import deletion_hooks, erasure, login_throttle, services
from users.models import Erasure, Login, SearchTerm, User

pytestmark = pytest.mark.django_db(transaction=True)
PK = 987_654_321  # a number that is in no other key


def by_its_owner(api, root, user):
    assert api.delete("users/me", {"password": PASSWORD}, by=user).status == 202


def by_the_page_of_the_admin(api, root, user):
    assert root.post(f"/admin/users/user/{user.pk}/delete/", {"post": "yes"}).status_code == 302


def by_the_action_of_the_admin(api, root, user):
    confirmed = {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}
    assert root.post("/admin/users/user/", confirmed).status_code == 302


def by_the_command(api, root, user):
    call_command("delete_user", str(user.pk), stdout=StringIO())


def by_the_query_set(api, root, user):
    User.objects.filter(pk=user.pk).delete()


def by_the_model(api, root, user):
    user.delete()


WAYS = [
    by_its_owner, by_the_page_of_the_admin, by_the_action_of_the_admin, by_the_command, by_the_query_set, by_the_model,
]  # fmt: skip


@pytest.fixture
def known(api, new_user, alice, bob, carol, throttled):
    """A user of whom there is an entry of every kind in Redis, and a row of every kind in the tables."""
    zoe = new_user("zoe", pk=PK, nickname="Zoe")
    social.follow(follower_id=alice.pk, followee_id=PK)
    social.follow(follower_id=PK, followee_id=bob.pk)
    social.block(blocker_id=PK, blocked_id=carol.pk)
    own, other = (posts.publish(author_id=pk, text="Hello") for pk in (PK, bob.pk))
    posts.publish(author_id=bob.pk, text="Look", repost_of=own.pk)
    rated, unrated = (ratings.publish(title="Tea").pk for _ in range(2))
    Popup.objects.create(title="Hello")
    tokens = api.post("auth/token", {"username": "ZOE", "password": PASSWORD}).json
    for path in (f"posts/{other.pk}/like", f"posts/{other.pk}/favorite", f"ratings/{rated}/score"):
        assert api.put(path, {"score": 7} if "score" in path else None, by=tokens["access"]).status == 200
    assert api.post(f"posts/{other.pk}/comments", {"text": "Hi"}, by=zoe).status == 201
    assert api.patch("users/me/state", {"message": "Hi"}, by=zoe).status == 200
    assert api.delete(f"posts/{posts.publish(author_id=PK, text='x').pk}", by=zoe).status == 204
    for by, path in (
        (zoe, "popups/next?placement=home"), (zoe, f"ratings?ids={rated},{unrated}"), (alice, "users?username=Zoe"),
        (zoe, f"relationships?ids={alice.pk},{bob.pk}"), (zoe, f"favorites/check?ids={other.pk}"), (zoe, "favorites"),
        (alice, f"users/{PK}/posts"), (alice, f"relationships?ids={PK}"), (zoe, f"users/profiles?ids={alice.pk},{PK}"),
        (bob, f"relationships?ids={PK}"), (carol, f"relationships?ids={PK}"), (zoe, f"posts/{other.pk}"),
    ):  # fmt: skip
        assert api.get(path, by=by).status == 200
    return zoe


def digests() -> list[str]:
    """Return the keys of zoe's name."""
    account = login_throttle.account_key("zoe")
    return [key.decode() for key in redis_client().scan_iter() if account in key.decode() or b"user:username:" in key]


@pytest.mark.parametrize("delete", WAYS)
def test_nothing_is_left(api, alice, bob, carol, root, known, delete):
    assert len(keys_naming(PK)) >= 16
    assert len(digests()) >= 2
    delete(api, root, User.objects.get(pk=PK))
    assert api.get("users/me", by=known).json["code"] == "user_inactive"
    finish()
    assert keys_naming(PK) == []
    assert [key for key in digests() if "throttle" in key] == []
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if field.is_relation and field.related_model is User:
                assert not model._default_manager.filter(**{field.attname: PK}).exists(), (model, field)
    assert not Erasure.objects.exists()
    assert drifts() == []
    assert api.get(f"relationships?ids={PK}", by=alice).json["results"] == []
    counts = api.get(f"counters?targets=user:{alice.pk},user:{bob.pk},user:{PK}", by=bob).json["results"]
    assert counts[f"user:{alice.pk}"] == {"followers": 0, "following": 0, "posts": 0}
    assert counts[f"user:{bob.pk}"] == {"followers": 0, "following": 0, "posts": 2}
    assert Post.objects.filter(author=bob, repost_of=None).count() == 2


def test_the_right_password_ends_everything_at_once(api, bob, new_user):
    zoe = new_user("zoe", pk=PK)
    tokens = api.post("auth/token", {"username": "zoe", "password": PASSWORD}).json
    for body in ({"password": "x"}, {"password": ""}, {}, {"password": 7}):
        status = api.delete("users/me", body, by=zoe).status
        assert status == (403 if body == {"password": "x"} else 400)
    assert api.delete("users/me", {"password": "x"}, by=zoe).json["code"] == "wrong_password"
    answer = api.delete("users/me", {"password": PASSWORD}, by=tokens["access"])
    assert (answer.status, answer.bytes) == (202, b"")
    assert api.get("users/me", by=tokens["access"]).status == 401
    assert api.delete("users/me", {"password": PASSWORD}, by=tokens["access"]).status == 401
    assert api.post("auth/token/refresh", {"refresh": tokens["refresh"]}).status == 401
    assert api.post("auth/token", {"username": "zoe", "password": PASSWORD}).status == 401
    assert not SearchTerm.objects.exclude(user=bob).exists()
    assert User.objects.filter(pk=PK, is_active=False).exists()
    call_command("sweep_removed", once=True, stdout=StringIO())
    assert not User.objects.filter(pk=PK).exists()
    assert not Login.objects.exists()


def test_guesses_of_the_password_are_few(api, alice, settings):
    settings.THROTTLES = {"password": (5 / 60, 5)}
    statuses = [api.delete("users/me", {"password": "x"}, by=alice).status for _ in range(6)]
    assert statuses == [403] * 5 + [429]
    assert api.post("users/me/password", {"old": PASSWORD, "new": PASSWORD}, by=alice).status == 429
    assert User.objects.filter(pk=alice.pk, is_active=True).exists()


def test_a_password_that_is_changed_meanwhile(alice, monkeypatch):
    check = User.check_password

    def changed_meanwhile(user, password):
        User.objects.filter(pk=user.pk).update(password="!")
        return check(user, password)

    monkeypatch.setattr(User, "check_password", changed_meanwhile)
    with pytest.raises(erasure.WrongPassword):
        erasure.request(alice.pk, password=PASSWORD)
    assert not Erasure.objects.exists()


def test_nobody_activates_it_again(api, root, alice, bob):
    assert api.delete("users/me", {"password": PASSWORD}, by=alice).status == 202
    assert services.set_active([alice.pk, bob.pk], active=True) == 0
    stale = User.objects.get(pk=alice.pk)
    stale.is_active = True
    with pytest.raises(ValidationError, match="being deleted"):
        stale.save()
    assert b">alice<" not in root.get("/admin/users/user/").content
    assert root.get(f"/admin/users/user/{alice.pk}/change/").status_code == 302  # it does not exist
    chosen = {"action": "activate", "_selected_action": [alice.pk]}
    assert root.post("/admin/users/user/", chosen).status_code == 302
    assert not User.objects.get(pk=alice.pk).is_active


def test_the_admin_deletes_some_and_the_sweep_the_rest(api, root, alice, new_user, follow, monkeypatch):
    monkeypatch.setattr(deletion, "CHUNK", 5)
    monkeypatch.setattr(erasure, "AT_ONCE", 5)
    follow(*[new_user(f"fan_{number}") for number in range(12)], alice)
    by_the_page_of_the_admin(api, root, alice)
    assert Follow.objects.count() == 7
    assert api.get("users/me", by=alice).status == 401
    assert deletion.step() == 5
    finish()
    assert not Follow.objects.exists()
    assert not User.objects.filter(pk=alice.pk).exists()
    assert drifts() == []


def test_late_events_bring_nobody_back(api, alice):
    Popup.objects.create(title="Hello")
    popup = api.get("popups/next?placement=home", by=alice).json["popup"]
    assert popup
    assert api.delete("users/me", {"password": PASSWORD}, by=alice).status == 202
    call_command("drain_popup_events", once=True, stdout=StringIO())  # before its rows are deleted
    call_command("sweep_removed", once=True, stdout=StringIO())
    assert not Event.objects.exists()
    assert not UserPopup.objects.exists()
    assert Day.objects.get().shown == 1  # what is counted by days stays
    finish()
    assert keys_naming(alice.pk) == []


def test_readers_who_were_admitted_before_fill_for_a_while(api, alice, bob, new_user):
    zoe = new_user("zoe", pk=PK)
    services.set_state(PK, message="Hi")
    list(services.delete_user(zoe.pk))
    call_command("sweep_removed", once=True, stdout=StringIO())
    api.get(f"users/profiles?ids={PK}", by=bob)
    api.get(f"users/{PK}/state", by=bob)
    assert keys_naming(PK)  # that there is no such user
    assert Erasure.objects.get().due_at > timezone.now() + timedelta(seconds=erasure.LATE_READERS_S - 30)
    finish()
    assert keys_naming(PK) == []
    assert not Erasure.objects.exists()


def test_without_redis_its_entries_go_later(alice, monkeypatch):
    list(services.delete_user(alice.pk))

    def refuse(_):
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr(erasure, "discard_keys", refuse)
        call_command("sweep_removed", once=True, stdout=StringIO())
    later = Erasure.objects.get()
    assert (later.failures, later.due_at > timezone.now()) == (1, True)
    finish()
    assert not Erasure.objects.exists()


def test_an_account_that_cannot_be_deleted_is_in_nobody_s_way(alice, bob, monkeypatch):
    run_all = deletion_hooks.run_all

    def refuse(user_id):
        if user_id == alice.pk:
            raise OperationalError(1205, "Lock wait timeout exceeded")
        return run_all(user_id)

    monkeypatch.setattr(deletion_hooks, "run_all", refuse)
    erasure.mark([alice.pk, bob.pk])
    call_command("sweep_removed", once=True, stdout=StringIO())
    assert set(User.objects.values_list("pk", flat=True)) == {alice.pk}
    assert Erasure.objects.get(pk=alice.pk).failures == 1


def test_a_sweep_that_fails_does_not_stop_the_others(monkeypatch):
    turns = []

    def failing():
        raise OperationalError(1213, "Deadlock")
        yield

    def other():
        turns.append("begun")
        yield 3
        turns.append("continued")
        yield 4

    monkeypatch.setattr(deletion, "_sweeps", [failing, other])
    for _ in range(2):
        with pytest.raises(OperationalError):
            deletion.step()
    assert turns == ["begun", "continued"]

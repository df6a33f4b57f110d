"""The export of an account: all that is the caller's, nothing of anybody else, no secret, and never half an answer."""

import json
import tracemalloc

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from popups.models import Popup
from posts import services as posts
from posts.models import Post
from ratings import services as ratings
from social import services as social
from tests.support.cast import PASSWORD
from tests.users.famous_user import insert
from users import exports, services
from users.models import Login, User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def life(api, alice, bob, carol):
    """What alice has and does; returns {name of a part: what it has}."""
    tokens = api.post("auth/token", {"username": "alice", "password": PASSWORD}).json
    api.patch("users/me/state", {"message": "在路上"}, by=alice)
    social.follow(follower_id=alice.pk, followee_id=bob.pk)
    social.follow(follower_id=carol.pk, followee_id=alice.pk)
    social.block(blocker_id=alice.pk, blocked_id=carol.pk)
    social.follow(follower_id=bob.pk, followee_id=alice.pk)
    own, hidden, removed = (posts.publish(author_id=alice.pk, text=f"“{number}” \n é") for number in range(3))
    Post.objects.filter(pk=hidden.pk).update(state=Post.State.HIDDEN)
    Post.objects.filter(pk=removed.pk).update(state=Post.State.REMOVED)
    other = posts.publish(author_id=bob.pk, text="Bob's")
    quote = posts.publish(author_id=alice.pk, text="Look", repost_of=other.pk)
    posts.like(user_id=alice.pk, post_id=other.pk)
    posts.like(user_id=bob.pk, post_id=own.pk)
    posts.add_favorite(user_id=alice.pk, post_id=own.pk)
    comment = posts.comment(post_id=other.pk, author_id=alice.pk, text="Hi")
    posts.comment(post_id=own.pk, author_id=bob.pk, text="Bob's comment")
    item = ratings.publish(title="Tea")
    ratings.rate(user_id=alice.pk, item_id=item.pk, score=7)
    ratings.rate(user_id=bob.pk, item_id=item.pk, score=1)
    popup = Popup.objects.create(title="Hello")
    User.objects.update_one(alice.pk, username="alicia")
    return {
        "tokens": tokens, "own": own, "hidden": hidden, "quote": quote, "other": other, "comment": comment,
        "item": item, "popup": popup,
    }  # fmt: skip


def without_times(rows):
    return [{name: value for name, value in row.items() if not name.endswith("_at")} for row in rows]


def test_all_that_is_the_caller_s(api, alice, bob, life):
    api.get("popups/next?placement=home", by=alice)
    call_command("drain_popup_events", once=True, verbosity=0)
    answer = api.get("users/me/export", by=alice)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json
    assert found["account"]["id"] == alice.pk
    assert found["account"]["email"] == "alice@example.com"
    assert found["account"]["username"] == "alicia"
    assert found["state"]["message"] == "在路上"
    assert [row["username"] for row in found["former_names"]] == ["alice"]
    assert without_times(found["following"]) == without_times(found["followers"]) == [{"user": bob.pk}]
    assert len(found["logins"]) == len(found["blocking"]) == 1
    assert without_times(found["posts"]) == [
        {"id": life["own"].pk, "text": life["own"].text, "repost_of": None},
        {"id": life["quote"].pk, "text": "Look", "repost_of": life["other"].pk},
    ]
    assert [row["id"] for row in found["hidden_posts"]] == [life["hidden"].pk]
    assert without_times(found["comments"]) == [{"id": life["comment"].pk, "post": life["other"].pk, "text": "Hi"}]
    assert without_times(found["likes"]) == [{"post": life["other"].pk}]
    assert without_times(found["favorites"]) == [{"post": life["own"].pk}]
    assert found["scores"] == [{"item": life["item"].pk, "score": 7}]
    assert [(row["popup"], row["shown"]) for row in found["popups"]] == [(life["popup"].pk, 1)]
    assert [row["type"] for row in found["popup_events"]] == ["shown"]
    assert b"Bob" not in answer.bytes


def test_no_secret(api, alice, life):
    text = api.get("users/me/export", by=alice).bytes.decode()
    stored, login = User.objects.get(pk=alice.pk), Login.objects.get()
    for secret in (stored.password, login.refresh_id, *life["tokens"].values(), "argon2", "token_generation", "claim"):
        assert secret not in text
    assert str(stored.token_generation) not in text or stored.token_generation == 0


def test_every_reference_to_a_user_is_in_a_part_or_excluded():
    found = {
        (model, field.name)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if field.is_relation and field.related_model is User and model._meta.app_label not in {"testapp"}
    }
    covered = {(model, "user" if owner == "user_id" else owner) for model, owner in exports.covered()}
    assert found - covered == set()
    assert all(reason for reason in exports._excluded.values())


@pytest.mark.parametrize("rows", [0, 1, 4, 5, 13])
def test_pages(api, alice, bob, monkeypatch, rows):
    monkeypatch.setattr(exports, "_parts", [part._replace(page=4) for part in exports._parts])
    insert(Post, ({"author_id": bob.pk if number % 3 else alice.pk, "text": str(number)} for number in range(3 * rows)))
    found = api.get("users/me/export", by=alice).json["posts"]
    assert [row["text"] for row in found] == [str(number) for number in range(0, 3 * rows, 3)]
    assert list(api.get("users/me/export", by=alice).json) == ["exported_at", *(part.name for part in exports._parts)]


def test_who_has_nothing(api, bob):
    found = api.get("users/me/export", by=bob).json
    assert found["state"] is None
    assert all(found[part.name] == [] for part in exports._parts if not part.is_single)


def test_no_transaction_and_few_rows_at_a_time(alice):
    insert(Post, ({"author_id": alice.pk, "text": "x" * 2_000} for _ in range(3_000)))
    with CaptureQueriesContext(connection) as queries:
        pieces = exports.export(alice.pk)
        tracemalloc.start()
        length = sum(map(len, pieces))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert length > 6_000_000
    assert peak < 6_000_000 + sum(len(query["sql"]) for query in queries)
    assert not any(query["sql"].startswith(("BEGIN", "SAVEPOINT")) for query in queries)


@pytest.mark.parametrize("end", [services.delete_user, lambda pk: [services.set_active([pk], active=False)]])
def test_an_account_that_ends_meanwhile(alice, end):
    pieces = exports.export(alice.pk)
    begun = next(pieces)
    list(end(alice.pk))
    with pytest.raises(exports.Interrupted):
        begun += b"".join(pieces)
    with pytest.raises(json.JSONDecodeError):
        json.loads(begun)


def test_what_fails_at_once_is_a_problem(api, alice, monkeypatch):
    def refuse(*_):
        raise OperationalError(2006, "MySQL server has gone away")

    monkeypatch.setattr(exports, "_pages", refuse)
    answer = api.get("users/me/export", by=alice)
    assert (answer.status, answer.json["code"]) == (503, "database_unavailable")


def test_head_and_throttle(api, alice, settings):
    settings.THROTTLES = {"export": (1 / 600, 5)}
    head = api.request("HEAD", "users/me/export", by=alice)
    assert (head.status, head.bytes) == (200, b"")
    statuses = [api.get("users/me/export", by=alice).status for _ in range(5)]
    assert statuses == [200] * 4 + [429]
    assert api.get("users/me", by=alice).status == 200

"""Requests with an Idempotency-Key: one write and one answer, however often they are sent."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from api import idempotency
from api.models import IdempotentRequest
from posts import services
from posts.models import Comment, Post
from ratings.models import Item
from reports.models import Report
from tests.support.budgets import budget, measure
from tests.support.threads import in_parallel
from users.models import User
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)
KEY = {"idempotency-key": "a-key~1"}
TEXT = {"text": "Hello 小明"}


@pytest.fixture
def post(alice):
    return services.publish(author_id=alice.pk, text="First")


def test_each_kind_of_write_is_done_once(api, alice, bob, post):
    for address, body, model in (
        ("posts", TEXT, Post), (f"posts/{post.pk}/comments", TEXT, Comment), ("ratings", {"title": "Tea"}, Item),
        ("reports", {"kind": "post", "id": post.pk, "reason": "spam"}, Report),
    ):  # fmt: skip
        before = model.objects.count()
        first, again = (api.post(address, body, by=bob, headers={"idempotency-key": address}) for _ in range(2))
        assert (first.status, first.bytes) == (again.status, again.bytes) == (201, first.bytes)
        assert again.headers["content-type"] == "application/json"
        assert model.objects.count() == before + 1
        assert (api.post(address, body, by=bob).json["id"] == first.json["id"]) == (model is Report)


def test_the_answer_is_that_of_a_request_without_a_key(api, alice, bob, post):
    for address, body in (("posts", {**TEXT, "repost_of": post.pk}), (f"posts/{post.pk}/comments", TEXT)):
        plain, keyed = (api.post(address, body, by=bob, headers=headers) for headers in ({}, {**KEY, "x": "y"}))
        assert plain.json | {"id": 0, "created_at": ""} == keyed.json | {"id": 0, "created_at": ""}
        IdempotentRequest.objects.all().delete()


def test_another_request_with_the_key_is_refused(api, alice, bob):
    first = api.post("posts", TEXT, by=alice, headers=KEY)
    same = b' {"repost_of" : null, "text":"Hello \\u5c0f\\u660e"}'
    assert api.post("posts", TEXT | {"repost_of": None}, by=alice, headers=KEY).status == 422
    assert api.post("posts", {"text": "Another"}, by=alice, headers=KEY).json["code"] == "idempotency_mismatch"
    assert api.post("ratings", {"title": "Tea"}, by=alice, headers=KEY).status == 422
    spelled = api.post("posts", same.replace(b'"repost_of" : null, ', b""), by=alice, headers=KEY)
    assert spelled.bytes == first.bytes
    assert api.post("posts", TEXT, by=bob, headers=KEY).json["id"] != first.json["id"]
    assert api.post("posts", TEXT, by=alice, headers={"idempotency-key": "A-KEY~1"}).json["id"] != first.json["id"]


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 201, "a\tb"])
def test_bad_keys(api, alice, key):
    answer = api.post("posts", TEXT, by=alice, headers={"idempotency-key": key})
    assert (answer.status, answer.json["code"]) == (400, "bad_idempotency_key")
    assert list(answer.json["errors"]) == ["Idempotency-Key"]
    assert not Post.objects.exists()


@pytest.mark.parametrize("key", ["!", "~" * 200])
def test_good_keys(api, alice, key):
    assert api.post("posts", TEXT, by=alice, headers={"idempotency-key": key}).status == 201


def test_errors_are_not_kept(api, alice, bob, post, block):
    assert api.post("posts", {"text": ""}, by=alice, headers=KEY).status == 400
    assert api.post("posts", b"{", by=alice, headers=KEY).status == 400
    assert api.post("posts", {**TEXT, "repost_of": 10**9}, by=alice, headers=KEY).status == 404
    assert not IdempotentRequest.objects.exists()
    block(alice, bob)
    assert api.post(f"posts/{post.pk}/comments", TEXT, by=bob, headers=KEY).status == 403
    assert api.post("posts", TEXT, by=alice, headers=KEY).status == 201


def test_throttled_requests_are_not_kept(api, alice, settings):
    settings.THROTTLES = {"user": (1 / 3600, 1)}
    assert api.post("posts", TEXT, by=alice, headers=KEY).status == 201
    assert api.post("posts", TEXT, by=alice, headers=KEY).status == 429
    settings.THROTTLES = {}
    assert api.post("posts", TEXT, by=alice, headers=KEY).status == 201
    assert Post.objects.count() == 1


def test_the_first_answer_outlives_what_it_is_about(api, alice, bob, post, block):
    address = f"posts/{post.pk}/comments"
    first = api.post(address, TEXT, by=bob, headers=KEY)
    api.delete(f"comments/{first.json['id']}", by=bob)
    assert api.post(address, TEXT, by=bob, headers=KEY).bytes == first.bytes
    block(alice, bob)
    api.delete(f"posts/{post.pk}", by=alice)
    assert api.post(address, TEXT, by=bob, headers=KEY).bytes == first.bytes
    assert not Comment.objects.exists()


def test_a_key_is_kept_for_a_day(api, alice):
    first = api.post("posts", TEXT, by=alice, headers=KEY)
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=23, minutes=59))
    assert sum(idempotency.sweep_expired()) == 0
    assert api.post("posts", TEXT, by=alice, headers=KEY).bytes == first.bytes
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=24, minutes=1))
    second = api.post("posts", {"text": "Another"}, by=alice, headers=KEY)
    assert (second.status, second.json["id"] != first.json["id"]) == (201, True)
    assert api.post("posts", {"text": "Another"}, by=alice, headers=KEY).bytes == second.bytes
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=24, minutes=1))
    assert sum(idempotency.sweep_expired()) == 1
    assert not IdempotentRequest.objects.exists()


def test_nothing_is_left_of_a_deleted_user(api, alice):
    api.post("posts", TEXT, by=alice, headers=KEY)
    list(delete_user(alice.pk))
    assert not IdempotentRequest.objects.exists()


def test_equal_requests_at_once(api, alice):
    for key in range(5):
        headers = {"idempotency-key": str(key)}
        answers = in_parallel(*[partial(api.post, "posts", TEXT, by=alice, headers=headers)] * 10)
        assert {answer.status for answer in answers} <= {201, 409}
        assert {answer.json["code"] for answer in answers if answer.status == 409} <= {"in_progress"}
        assert len({answer.bytes for answer in answers if answer.status == 201}) == 1
    assert Post.objects.count() == IdempotentRequest.objects.count() == 5


@pytest.mark.services
def test_one_in_flight_is_not_waited_for(api, alice):
    def while_another_is_at_work():
        with transaction.atomic():
            api.post("posts", TEXT, by=alice, headers=KEY)
            (answer,) = in_parallel(lambda: api.post("posts", TEXT, by=alice, headers=KEY))
            assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (409, "in_progress", "1")

    while_another_is_at_work()
    assert api.post("posts", TEXT, by=alice, headers=KEY).status == 201
    assert Post.objects.count() == 1


@pytest.mark.services
def test_an_author_who_is_deleted_meanwhile(api, alice, monkeypatch):
    """In SQLite nobody else writes while a handler does."""
    original = services.publish_once

    def publish_late(**columns):
        monkeypatch.setattr(services, "publish_once", original)
        in_parallel(lambda: User.objects.filter(pk=alice.pk).delete())
        return original(**columns)

    monkeypatch.setattr(services, "publish_once", publish_late)
    answer = api.post("posts", TEXT, by=alice, headers=KEY)
    assert (answer.status, answer.json["code"]) == (401, "user_inactive")
    assert not Post.objects.exists()


def test_budgets(api, alice, post):
    address = f"posts/{post.pk}/comments"
    api.post(address, TEXT, by=alice)
    with measure() as plain:
        api.post(address, TEXT, by=alice)
        sql = len(plain.sql)
    # is there an answer, insert the key, keep the answer; on MariaDB besides: is one in flight. The author is read in a
    # trip of its own: the comment is only committed together with its answer.
    sql += 3 + (connection.vendor == "mysql")
    with budget(sql=sql, round_trips=plain.round_trips + 1, commands=plain.commands + 1):
        api.post(address, TEXT, by=alice, headers=KEY)
    with budget(sql=1, round_trips=1, commands=1):  # the answer; the caller and the post
        api.post(address, TEXT, by=alice, headers=KEY)

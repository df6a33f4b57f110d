"""Requests that the database refuses for a passing reason are answered anew; what may have taken effect is not
repeated, unless it may be done twice."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, NotSupportedError, OperationalError, ProgrammingError, connection

from caching.api import Attempts, redis_client, repeated
from posts.models import Post
from social.models import Follow
from tests.caching.entry_state import state
from tests.support.admin_actions import form_of
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

DEADLOCK, NOT_READY, LOCK_WAIT, LOST = 1213, 1047, 1205, 2013
NO_TABLE, TABLE_CHANGED, NO_PARENT = 1146, 1412, 1452
HEADERS = {"idempotency-key": "k"}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("caching.connections.attempts.FIRST_PAUSE_S", 0)


@pytest.fixture
def failing(monkeypatch):
    """failing(numbers, when): make the next commits fail, each with an error of a number, "before" or "after" them."""

    def fail(*numbers, when="before", kind=OperationalError):
        left, commit = list(numbers), connection._commit

        def failing_commit():
            if left and when == "before":
                connection.connection.rollback()
                raise kind(left.pop(0), "")
            commit()
            if left:
                raise OperationalError(left.pop(0), "")

        monkeypatch.setattr(connection, "_commit", failing_commit)
        return left

    return fail


REQUESTS = {
    "PUT": lambda api, alice, bob, post: api.put(f"users/{bob.pk}/follow", by=alice),
    "PATCH": lambda api, alice, bob, post: api.patch("users/me", {"nickname": "New"}, by=alice),
    "POST": lambda api, alice, bob, post: api.post("posts", {"text": "Hello"}, by=alice),
    "POST with a key": lambda api, alice, bob, post: api.post("posts", {"text": "Hello"}, by=alice, headers=HEADERS),
    "DELETE": lambda api, alice, bob, post: api.delete(f"posts/{post.pk}", by=alice),
}


@pytest.fixture(params=REQUESTS)
def request_of(request, api, alice, bob):
    post = Post.objects.create(author=alice, text="Mine")
    return lambda: (request.param, REQUESTS[request.param](api, alice, bob, post))


def rows():
    return {
        "PUT": Follow.objects.count(),
        "PATCH": User.objects.filter(nickname="New").count(),
        "POST": Post.objects.filter(text="Hello").count(),
        "POST with a key": Post.objects.filter(text="Hello").count(),
        "DELETE": 1 - Post.objects.filter(text="Mine", state__lt=Post.State.REMOVED).count(),
    }


@pytest.mark.parametrize("number", [DEADLOCK, NOT_READY])
def test_what_the_database_has_undone_is_done_again(request_of, failing, number):
    left = failing(number, number)
    method, answer = request_of()
    assert answer.status < 300
    assert left == []
    assert rows()[method] == 1


def test_three_attempts_are_made(request_of, failing, alice):
    left = failing(*[DEADLOCK] * 9)
    method, answer = request_of()
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert len(left) == 6
    assert rows()[method] == 0
    assert state(alice) != "hold"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_without_an_answer(request_of, failing, when):
    """The connection is lost while the database commits, or just before: the client alone can repeat some requests."""
    failing(LOST, when=when)
    method, answer = request_of()
    if method in {"POST", "PATCH"}:
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        assert rows()[method] == (when == "after")
    else:
        assert answer.status < 300
        assert rows()[method] == 1


def test_a_lock_that_was_waited_for_is_not_waited_for_again(request_of, failing):
    left = failing(LOCK_WAIT, LOCK_WAIT)
    _, answer = request_of()
    assert answer.status == 503
    assert left == [LOCK_WAIT]


def test_who_has_waited_for_long_is_answered(api, alice, bob, failing, monkeypatch):
    """A COMMIT that the database held up until the client gave it up is not sent a second time."""
    monkeypatch.setattr("caching.connections.attempts.LONGEST_S", -1)
    left = failing(LOST, LOST)
    answer = api.put(f"users/{bob.pk}/follow", by=alice)
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert left == [LOST]


def test_a_second_transaction_that_fails_is_not_repeated_with_the_first(api, alice, monkeypatch):
    """Of a POST without a key, which would be done twice."""
    from posts import services

    publish = services.publish_once

    def publish_and_fail(**options):
        publish(**options)
        raise OperationalError(DEADLOCK, "")

    monkeypatch.setattr(services, "publish_once", publish_and_fail)
    assert api.post("posts", {"text": "Hello"}, by=alice).status == 503
    assert Post.objects.count() == 1


@pytest.mark.parametrize("scope", ["user", "register"])
def test_a_request_is_counted_once(api, alice, failing, settings, scope):
    settings.THROTTLES = {scope: (1 / 60, 20)}
    failing(DEADLOCK, DEADLOCK)
    if scope == "user":
        assert api.patch("users/me", {"nickname": "New"}, by=alice).status == 200
    else:
        assert api.post("users", {"username": "new", "password": "correct-horse-battery"}).status == 201
    (key,) = redis_client().scan_iter(f"*throttle:{scope}:*")
    assert redis_client().pttl(key) <= 60_000


def test_no_hold_of_a_failed_attempt_is_left(api, alice, bob, failing):
    failing(DEADLOCK, DEADLOCK)
    api.patch("users/me", {"nickname": "New"}, by=alice)
    assert state(alice) in {"absent", "value"}
    assert User.objects.get_one(alice.pk).nickname == "New"


REFUSALS = [
    OperationalError(NOT_READY, ""),
    NotSupportedError(1235, ""),
    ProgrammingError(NO_TABLE, ""),
    OperationalError(TABLE_CHANGED, ""),
]


@pytest.mark.parametrize("number", [NO_PARENT, 1216, 1217, 1451])
@pytest.mark.parametrize(("times", "succeeds"), [(1, True), (9, False)])
def test_a_row_is_hidden_while_its_table_is_copied(request_of, failing, number, times, succeeds):
    failing(*[number] * times, kind=IntegrityError)
    method, answer = request_of()
    assert answer.status < 300 if succeeds else answer.status == 503
    assert rows()[method] == succeeds


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize(("times", "status"), [(1, 200), (9, 503)])
def test_a_read_moves_to_another_connection(api, alice, refusal, times, status):
    """A node that has lost its cluster, or is leaving it, refuses reads, too."""
    redis_client().flushdb()
    left = [refusal] * times

    def refuse(execute, sql, params, many, context):
        if left:
            raise left.pop()
        return execute(sql, params, many, context)

    connection.ensure_connection()
    server = connection.connection
    with connection.execute_wrapper(refuse):
        assert api.get(f"users/{alice.pk}", by=alice).status == status
    assert (connection.connection is server) == (refusal.args[0] in {NO_TABLE, TABLE_CHANGED})


def test_work_that_a_transaction_surrounds_is_not_repeated(alice):
    from django.db import transaction

    calls = []

    def work():
        calls.append(1)
        raise OperationalError(DEADLOCK, "")

    with pytest.raises(OperationalError), transaction.atomic():
        repeated(work, is_idempotent=True)
    assert len(calls) == 1


def test_a_statement_of_its_own_has_an_effect(alice):
    attempts = Attempts(is_idempotent=False)
    attempts.begin()
    User.objects.filter(pk=alice.pk).values_list("pk").first()
    assert attempts.may_go_on(OperationalError(DEADLOCK, ""))
    attempts.begin()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM posts_post WHERE id = 0")
    assert not attempts.may_go_on(OperationalError(DEADLOCK, ""))


def test_a_form_of_the_staff_is_sent_again(root, alice, failing):
    address = f"/admin/users/user/{alice.pk}/change/"
    form = {**form_of(root.get(address)), "nickname": "New"}
    left = failing(DEADLOCK)
    page = root.post(address, form, follow=True)
    assert left == []
    assert User.objects.get(pk=alice.pk).nickname == "New"
    assert len(page.context["messages"]) == LogEntry.objects.count() == 1

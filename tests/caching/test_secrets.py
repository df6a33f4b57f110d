"""Behaviour 19: secret columns never reach Redis, in any encoding, in an entry or in a command."""

import base64
import contextlib
import io
import threading
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from redis import Redis

from caching.models import PendingInvalidation
from caching.reading.batch import Batch
from caching.redis.client import redis_client
from tests.support.api_client import ApiClient
from tests.support.threads import LONGEST_S, Task
from tests.testapp.models import Author, Book
from users.models import User

SECRET = "s3cret-Ü-" + "x" * 40


@contextlib.contextmanager
def commands_sent() -> Iterator[list[bytes]]:
    """Yield a list that gets every command that Redis receives from any client (MONITOR)."""
    seen: list[bytes] = []
    listening, stop = threading.Event(), "the end of the test"

    def listen() -> None:
        # The service's own connections give up after a moment without a command, such as while a password is hashed.
        patient = Redis(port=redis_client().info("server")["tcp_port"], socket_timeout=None)
        with patient, patient.monitor() as monitor:
            listening.set()
            for command in monitor.listen():
                seen.append(command["command"].encode("latin-1", "backslashreplace"))
                if stop.encode() in seen[-1]:
                    return

    task = Task(listen)
    assert listening.wait(LONGEST_S)
    yield seen
    redis_client().echo(stop)
    task.result()


def forms(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [raw, base64.b64encode(raw), raw.hex().encode(), raw[:20], raw[-20:], repr(raw)[2:-1].encode()]


def dumped() -> Iterator[bytes]:
    for key in redis_client().scan_iter(count=1000):
        yield key + b" " + redis_client().dump(key) + b" " + (redis_client().get(key) or b"")


def use_every_way(model, row, column, new):
    manager = model.objects
    manager.get_one(row.pk), manager.get_one_cols(row.pk), manager.get_some([row.pk]), manager.get_some_cols([row.pk])
    batch = Batch()
    batch.rows(model, [row.pk])
    batch.run()
    manager.update_one(row.pk, **{column: new})
    manager.filter(pk=row.pk).update(**{column: new})
    row.refresh_from_db()
    row.save()
    manager.bulk_update([row], [column])
    getattr(manager.get_one(row.pk), column)
    manager.cache_entry(row.pk)
    manager.bulk_create([type(row)(**{column: new}, **_unique(model))])
    redis_client().delete(*redis_client().keys())
    call_command("warm_cache", stdout=io.StringIO(), verbosity=0)


def _unique(model):
    return {"email": "other@example.com"} if model is Author else {"username": "other"}


@pytest.mark.one_redis
def test_a_column_that_is_never_cached_is_in_no_entry_and_no_command():
    with commands_sent() as commands:
        ann = Author.objects.create_one(email="ann@example.com", secret=SECRET)
        Author.objects.get_one(email="ann@example.com")
        Book.objects.hydrate([Book(author_id=ann.pk)], "author")
        use_every_way(Author, ann, "secret", SECRET + "new")
        entries = list(dumped())
    assert any(b"ann@example.com" in entry for entry in entries)
    assert any(b"EVALSHA" in command and b"ann@example.com" in command for command in commands)
    assert Author.objects.get_one(ann.pk).secret == SECRET + "new"
    for form in forms(SECRET):
        assert not [entry for entry in entries if form in entry]
        assert not [command for command in commands if form in command]


@pytest.mark.one_redis
def test_the_password_hash_never_appears_in_redis(settings):
    settings.THROTTLES = {}
    password, login = "correct-horse-battery", ApiClient()
    hashed = make_password(password)
    with commands_sent() as commands:
        user = User.objects.create_one(username="alice", password=hashed)
        User.objects.get_one(username="alice")
        assert login.post("auth/token", {"username": "alice", "password": password}).status == 200
        use_every_way(User, user, "password", hashed)
        entries = list(dumped())
    assert any(b"alice" in entry for entry in entries)
    assert len(commands) > 20
    salt_and_digest = hashed.rsplit("$", 2)[1:]
    for secret in (hashed, password, *salt_and_digest):
        for form in forms(secret):
            assert not [entry for entry in entries if form in entry]
            assert not [command for command in commands if form in command]


def test_neither_does_it_stand_among_pending_invalidations(own_redis):
    own_redis.kill()
    Author.objects.create_one(email="ann@example.com", secret=SECRET)
    keys = list(PendingInvalidation.objects.values_list("key", flat=True))
    assert len(keys) == 2
    assert not [key for key in keys if SECRET in key or "ann@example.com" in key]

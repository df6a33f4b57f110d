"""Behaviour 37: every process uses an edit within two seconds, and keeps the last valid one after an invalid edit."""

import logging
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from caching.api import redis_client
from popups.config import config_cache
from popups.config.version import VERSIONS
from popups.models import Pacing, Popup
from tests.popups.servers import Client, Seen, environment, wait_until_up, web_servers
from tests.support.polling import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_S = 2.0


def title(answer):
    return answer.json["popup"] and answer.json["popup"]["title"]


def until_shown(enter, people, wanted):
    """Let `people` enter one after the other until one is shown `wanted`; return the seconds that it took."""
    began = time.monotonic()
    for person in people:
        if title(enter(person)) == wanted:
            return time.monotonic() - began
        time.sleep(0.1)
    raise AssertionError("nobody was shown it")


class Device(Client):
    def __init__(self, port):
        super().__init__(port, Seen([], [], []))

    def title(self, user):
        """Return the title of the next popup; None if there is none."""
        found = self._ask(user, "GET", "popups/next?placement=home")
        return found["popup"] and found["popup"]["title"]


@pytest.fixture
def people(new_user):
    return [new_user(f"guest_{number}") for number in range(40)]


def test_an_edit_shows_at_once_in_the_process_that_made_it(enter, people, popup):
    assert title(enter(people[0])) == "Hello"
    popup.title = "Goodbye"
    popup.save()
    assert title(enter(people[1])) == "Goodbye"
    popup.is_active = False
    popup.save()
    assert title(enter(people[2])) is None
    Pacing.objects.create(quiet_seconds=60)
    enter(people[2])
    assert config_cache.current(None).quiet_ms == 60_000


def test_an_edit_by_sql_shows_within_two_seconds(enter, people, popup):
    enter(people[0])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE popups_popup SET title = 'By hand'")
    assert until_shown(enter, people[1:], "By hand") < WITHIN_S


def test_an_edit_that_redis_was_not_told_of(enter, people, popup, monkeypatch):
    enter(people[0])
    monkeypatch.setattr("popups.config.version.bump", lambda: None)
    Popup.objects.filter(pk=popup.pk).update(title="Quietly")
    assert until_shown(enter, people[1:], "Quietly") < WITHIN_S


def test_the_version_is_lost(enter, people, popup, monkeypatch):
    """A process that finds no version in Redis reads the database and stores a new version."""
    enter(people[0])
    monkeypatch.setattr("popups.config.version.bump", lambda: None)
    monkeypatch.setattr(config_cache, "MAX_AGE_WITHOUT_VERSION_S", 0)
    Popup.objects.filter(pk=popup.pk).update(title="After the loss")
    redis_client().delete(VERSIONS.key())
    assert title(enter(people[1])) == "After the loss"
    assert redis_client().get(VERSIONS.key()).startswith(b"V")


def test_another_process_sees_an_edit(own_redis, people, make, tmp_path):
    """Another process sees an edit by the version in Redis, and an edit that was made while Redis was away."""
    popup = make("First", reshow_hours=0)
    with web_servers(1, tmp_path, **environment(own_redis.url)) as webs:
        (port,) = webs
        wait_until_up([port])
        device = Device(port)

        def shows(wanted):
            began = time.monotonic()
            wait_until(lambda: device.title(people[0]) == wanted)
            return time.monotonic() - began

        shows("First")
        popup.title = "Second"
        popup.save()
        assert shows("Second") < WITHIN_S
        own_redis.kill()
        popup.title = "Third"
        popup.save()
        assert device.title(people[0]) is None
        own_redis.start()
        wait_until(lambda: device.title(people[0]) is not None)
        assert shows("Third") < WITHIN_S
        device.close()


def test_nothing_is_read_again_while_nothing_changes(enter, people, popup):
    for person in people[:3]:
        enter(person)
    enter(people[0])
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            enter(people[0])
    assert not queries.captured_queries


def test_the_thread_ends_when_nobody_enters_and_starts_again(enter, people, popup, monkeypatch):
    monkeypatch.setattr(config_cache, "RELOAD_INTERVAL_S", 0.01)
    monkeypatch.setattr(config_cache, "IDLE_TIMEOUT_S", 0.05)
    enter(people[0])
    config_cache._cache.thread.join(5)
    assert not config_cache._cache.thread.is_alive()
    monkeypatch.setattr(config_cache, "MAX_AGE_S", 0)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE popups_popup SET title = 'Meanwhile'")
    assert title(enter(people[1])) == "Meanwhile"
    assert config_cache._cache.thread.is_alive()


def test_a_broken_config_keeps_the_last_good_one_and_says_so(enter, people, make, caplog):
    make("Good", priority=1)
    make("Other")
    assert title(enter(people[0])) == "Good"
    with caplog.at_level(logging.ERROR), connection.cursor() as cursor:
        cursor.execute("UPDATE popups_popup SET title = 'Bad', min_version = 'x' WHERE title = 'Good'")
        wait_until(lambda: config_cache._cache.snapshot.invalid)
        assert title(enter(people[1])) == "Good"
    assert "is broken, it stays what it was before. min_version: A version is" in caplog.text
    assert caplog.text.count("is broken") == 1  # once, not every second
    config_cache.reset()  # as a process that has never seen the valid configuration
    with caplog.at_level(logging.ERROR):
        assert title(enter(people[2])) == "Other"
    assert "it is not shown" in caplog.text


def test_a_broken_config_can_be_switched_off(enter, people, make):
    popup = make("Good", priority=1)
    enter(people[0])
    Popup.objects.filter(pk=popup.pk).update(min_version="x", is_active=False)
    popup.refresh_from_db()
    popup.save()
    assert title(enter(people[1])) is None


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite takes text for a time")
def test_a_row_that_cannot_even_be_read(enter, people, make):
    make("Good", priority=1)
    make("Other")
    enter(people[0])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE popups_popup SET starts_at = '2026-13-45 00:00:00' WHERE title = 'Good'")
    Pacing.objects.create(quiet_seconds=1)  # another, valid edit takes effect
    assert title(enter(people[1])) == "Good"
    assert config_cache.current(None).quiet_ms == 1_000
    assert "A column cannot be read" in "".join(config_cache.current(None).invalid.values())

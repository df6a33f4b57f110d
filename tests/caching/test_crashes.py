"""Behaviours 12 and 15: real processes, writers and readers, that are killed at each step of the protocol."""

import time

import pytest

from caching.entries.rows import rows_of
from caching.redis.client import redis_client
from caching.testutils import redis_usage
from tests.caching.crash_points import kill_at
from tests.caching.entry_state import entry, state, state_of
from tests.support.polling import wait_until
from tests.support.threads import in_another_thread
from tests.testapp.models import Author, Bookmark, Note, bookmarks, open_notes

HOLD_MS = 1_000


def names(ann):
    return {Author.objects.get_one(ann.pk).name, in_another_thread(lambda: Author.objects.get_one(ann.pk).name)}


WRITER_DIES = {"held": "Ann", "written": "Ann", "committed": "by the dead"}


@pytest.mark.parametrize("point", WRITER_DIES)
def test_a_writer_that_is_killed_leaves_a_hold_that_a_reader_takes_over_in_the_end(ann, point):
    Author.objects.get_one(ann.pk)
    kill_at(point, ann.pk, HOLD_MS=HOLD_MS)
    truth = WRITER_DIES[point]
    assert Author.objects.get(pk=ann.pk).name == truth
    while state(ann) == "hold":
        assert names(ann) == {truth}
    assert state(ann) == "value"
    assert names(ann) == {truth}


@pytest.mark.parametrize("point", ["written", "committed"])
def test_other_writers_go_on_beside_the_hold_of_a_dead_one(ann, point):
    Author.objects.get_one(ann.pk)
    kill_at(point, ann.pk)
    for name in ("Anna", "Anne"):
        Author.objects.update_one(ann.pk, name=name)
        assert state(ann) == "hold"  # a writer that is killed here cannot be told from one that is about to commit
        assert names(ann) == {name}


def test_later_writers_do_not_keep_the_claim_of_a_dead_one_alive(ann):
    """Each claim in a hold has its own time; later writers would otherwise put off the one of the dead."""
    kill_at("committed", ann.pk, HOLD_MS=HOLD_MS)

    def write_and_read():
        Author.objects.update_one(ann.pk, name="Anna")
        assert names(ann) == {"Anna"}
        return state(ann) == "value"

    wait_until(write_and_read)


def test_the_claims_of_many_dead_writers_take_no_more_room_than_one(ann):
    for _ in range(3):
        kill_at("committed", ann.pk, HOLD_MS=1)
        time.sleep(0.01)
    Author.objects.update_one(ann.pk, name="Anna")
    assert len(entry(ann)) == 1 + 29
    assert names(ann) == {"Anna"}
    assert state(ann) == "value"


def key_of_row(author):
    return rows_of(Author).key(author.pk)


LATER = {
    "a row is written": (key_of_row, lambda ann: Author.objects.update_one(ann.pk, name="A")),
    "a row is dropped": (key_of_row, lambda ann: Author.objects.drop_entry(ann.pk)),
    "a model is invalidated": (key_of_row, lambda ann: Author.objects.invalidate()),
    "a list is written": (lambda _: open_notes.here().key(7), lambda _: Note.objects.create(reader=7)),
    "a list is invalidated": (lambda _: open_notes.here().key(7), lambda _: open_notes.invalidate(7)),
    "a set is written": (lambda _: bookmarks.here().state_key(7), lambda _: Bookmark.objects.create(reader=7, book=1)),
    "a set is invalidated": (lambda _: bookmarks.here().state_key(7), lambda _: bookmarks.invalidate(7)),
}


@pytest.mark.parametrize("later", LATER)
def test_the_claim_of_a_writer_that_may_still_commit_outlives_what_others_do(ann, later):
    """Its own rows may be others than theirs, so no lock orders them: only a reader who has asked may end the hold."""
    key_of, act = LATER[later]
    key = key_of(ann)
    redis_client().set(key, b"H" + b"d" * 16 + b"%013d" % 1_000, px=60_000)
    act(ann)
    assert state_of(redis_client().get(key)) == "hold"


def test_a_writer_killed_after_its_lift_leaves_nothing_behind(ann):
    kill_at("lifted", ann.pk)
    assert state(ann) == "absent"
    assert names(ann) == {"by the dead"}


READER_DIES = {"leased": "lease", "loaded": "lease", "filled": "value"}


@pytest.mark.parametrize("point", READER_DIES)
def test_a_reader_that_is_killed_leaves_a_lease_that_expires(ann, point):
    kill_at(point, ann.pk, LEASE_MS=HOLD_MS)
    assert state(ann) == READER_DIES[point]
    Author.objects.update_one(ann.pk, name="Anna")
    assert state(ann) == "absent"  # a write deletes a lease without waiting for it
    assert names(ann) == {"Anna"}


def test_a_dead_reader_s_lease_ends_by_itself(ann):
    kill_at("leased", ann.pk, LEASE_MS=300)
    wait_until(lambda: state(ann) != "lease")
    with redis_usage() as usage:
        assert Author.objects.get_one(ann.pk).name == "Ann"
    assert usage.commands == 3

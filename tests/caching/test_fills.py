"""Behaviours 9 and 15: a reader fills no old value after a write during its load, or after an eviction."""

import pytest
from django.db import transaction

from caching.entries import lookup, rows
from caching.entries.rows import rows_of
from caching.protocol import steps
from caching.reading import stats
from caching.redis.client import redis_client
from caching.redis.epochs import epochs
from tests.caching.entry_state import entry, lookup_state, state
from tests.caching.statements import statements
from tests.support.interpose import interpose
from tests.support.threads import in_another_thread
from tests.testapp.models import Author

UNKNOWN = 10**9


def refused(model=Author):
    return stats.snapshot().get(model._meta.label_lower, {}).get("refused", 0)


WRITES = {
    "update_one": lambda ann: Author.objects.update_one(ann.pk, name="Anna"),
    "update": lambda ann: Author.objects.filter(pk=ann.pk).update(name="Anna"),
    "delete": lambda ann: Author.objects.get(pk=ann.pk).delete(),
    "queryset delete": lambda ann: Author.objects.filter(pk=ann.pk).delete(),
    "bulk_update": lambda ann: Author.objects.bulk_update([Author(pk=ann.pk, name="Anna")], ["name"]),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("read", ["get_some", "get_some_cols"])
def test_a_reader_that_loaded_before_a_write_and_fills_after_it_does_not_fill(ann, write, read):
    before = refused()
    with interpose(rows.Rows, "load", after=lambda: in_another_thread(lambda: WRITES[write](ann))):
        assert (
            len(getattr(Author.objects, read)([ann.pk]).results) == 1
        )  # the old value is allowed, as the read began before the write
    assert state(ann) == "absent"
    assert refused() == before + 1
    now = Author.objects.filter(pk=ann.pk).values_list("name", flat=True)
    assert [row["name"] for row in Author.objects.get_some_cols([ann.pk], "name").results] == list(now)


def test_a_reader_that_loaded_before_a_write_and_fills_during_it_does_not_fill(ann):
    with interpose(rows.Rows, "load", after=lambda: hold_for_ever(ann)):
        assert Author.objects.get_one(ann.pk).name == "Ann"
    assert state(ann) == "hold"


def hold_for_ever(ann):
    steps.hold([rows_of(Author).key(ann.pk)], steps.new_token())


MAKES = {
    "create_one": lambda pk: Author.objects.create_one(pk=pk, email="new@example.com"),
    "save": lambda pk: Author(pk=pk, email="new@example.com").save(),
    "bulk_create": lambda pk: Author.objects.bulk_create([Author(pk=pk, email="new@example.com")]),
}


@pytest.mark.parametrize("make", MAKES)
def test_no_such_row_loaded_before_the_row_is_made_does_not_fill(make):
    with interpose(rows.Rows, "load", after=lambda: in_another_thread(lambda: MAKES[make](UNKNOWN))):
        assert Author.objects.get_some([UNKNOWN]).missing == [UNKNOWN]
    assert state(Author(pk=UNKNOWN)) == "absent"
    assert Author.objects.get_one(UNKNOWN).email == "new@example.com"


def test_no_such_row_under_a_key_that_the_database_chooses(ann):
    """The primary key is known only after the INSERT: what a reader fills before the commit must not stay."""
    following = ann.pk + 1
    assert Author.objects.get_some([following]).missing == [following]
    with transaction.atomic():
        new = Author.objects.create_one(email="new@example.com")
        assert new.pk == following
        assert in_another_thread(lambda: Author.objects.get_some([following]).missing) == [following]
        assert state(new) == "hold"
    assert Author.objects.get_one(following) == new


def test_no_such_value_loaded_before_it_is_given_does_not_fill(ann):
    def rename():
        Author.objects.update_one(ann.pk, email="new@example.com")

    with interpose(lookup.Lookup, "load", after=lambda: in_another_thread(rename)), pytest.raises(Author.DoesNotExist):
        Author.objects.get_one(email="new@example.com")
    assert lookup_state(Author, "email", "new@example.com") == "absent"
    assert Author.objects.get_one(email="new@example.com") == ann


def test_a_reader_of_a_batch_fills_what_was_not_overtaken(ann, bea):
    with interpose(rows.Rows, "load", after=lambda: in_another_thread(lambda: WRITES["update"](ann))):
        found = Author.objects.get_some([ann.pk, bea.pk, UNKNOWN])
    assert [author.name for author in found.results] == ["Ann", "Bea"]
    assert (state(ann), state(bea), state(Author(pk=UNKNOWN))) == ("absent", "value", "nothing")


def test_a_writer_between_the_look_and_the_lease(ann):
    """A held key gives no lease; the reader uses the database."""
    with interpose(steps, "lease", before=lambda: hold_for_ever(ann)):
        assert Author.objects.get_one(ann.pk).name == "Ann"
    assert state(ann) == "hold"


def test_another_reader_s_fill_between_the_look_and_the_lease_is_taken(ann):
    with (
        statements() as sql,
        interpose(steps, "lease", before=lambda: in_another_thread(lambda: Author.objects.get_one(ann.pk))),
    ):
        assert Author.objects.get_one(ann.pk).name == "Ann"
    assert sql.about(Author) == 1  # of the other reader
    assert state(ann) == "value"


def test_a_lease_that_ran_out_is_another_reader_s_to_take(ann):
    """The first reader is too slow: the second reader fills, and the value of the first is refused."""

    def lose_the_lease():
        redis_client().delete(rows_of(Author).key(ann.pk))
        with transaction.atomic():
            Author.objects.filter(pk=ann.pk).update(name="Anna")
        Author.objects.get_one(ann.pk)

    with interpose(rows.Rows, "load", after=lambda: in_another_thread(lose_the_lease)):
        assert Author.objects.get_one(ann.pk).name == "Ann"
    assert Author.objects.get_one(ann.pk).name == "Anna"


def test_a_load_that_fails_gives_its_lease_back(ann):
    class Boom(Exception):
        pass

    def fail():
        raise Boom

    with interpose(rows.Rows, "load", before=fail), pytest.raises(Boom):
        Author.objects.get_one(ann.pk)
    assert state(ann) == "absent"
    assert Author.objects.get_one(ann.pk).name == "Ann"


def flush():
    redis_client().flushdb()


def write_in_another_thread(ann):
    in_another_thread(lambda: Author.objects.update_one(ann.pk, name="Anna"))


READ_STEPS = {
    "before the lease": (steps, "lease", "before"),
    "before the load": (rows.Rows, "load", "before"),
    "after the load": (rows.Rows, "load", "after"),
    "after the fill": (steps, "fill", "after"),
}


@pytest.mark.parametrize("step", READ_STEPS)
@pytest.mark.parametrize("first", ["flush, then a write", "a write, then a flush"])
def test_a_flush_and_a_write_at_any_point_of_a_read(ann, bea, step, first):
    owner, name, when = READ_STEPS[step]

    def both():
        if first == "flush, then a write":
            flush()
        write_in_another_thread(ann)
        if first != "flush, then a write":
            flush()

    with interpose(owner, name, **{when: both}):
        found = Author.objects.get_some([ann.pk, bea.pk]).results
    assert [author.name for author in found] in (["Ann", "Bea"], ["Anna", "Bea"])
    assert Author.objects.get_one(ann.pk).name == "Anna"
    assert Author.objects.get_one(ann.pk).name == "Anna"


@pytest.mark.parametrize("then", ["nothing", "a reader fills", "a reader has a lease"])
def test_a_hold_that_is_evicted_leaves_nothing_old_behind(ann, then):
    """Readers may then fill the old value, as nothing is committed; the lift deletes the entry."""
    Author.objects.get_one(ann.pk)
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        flush()
        if then == "a reader fills":
            assert in_another_thread(lambda: Author.objects.get_one(ann.pk).name) == "Ann"
            assert state(ann) == "value"
            assert Author.objects.get_one(ann.pk).name == "Anna"  # the writer's own read, not cached for others
        if then == "a reader has a lease":
            steps.lease({rows_of(Author).key(ann.pk): None}, token := steps.new_token())
    assert entry(ann) is None
    if then == "a reader has a lease":
        old = rows_of(Author).encode(ann.pk, rows_of(Author).load([ann.pk])[ann.pk])
        key = rows_of(Author).key(ann.pk)
        assert steps.fill({key: old}, token, since=epochs.version) == [key]
    assert Author.objects.get_one(ann.pk).name == "Anna"


def test_a_flush_between_commit_and_lift(ann):
    Author.objects.get_one(ann.pk)
    with interpose(steps, "lift", before=flush):
        Author.objects.update_one(ann.pk, name="Anna")
    assert Author.objects.get_one(ann.pk).name == "Anna"


def test_leases_of_a_batch_that_are_evicted_in_part(ann, bea):
    with interpose(rows.Rows, "load", after=lambda: redis_client().delete(rows_of(Author).key(ann.pk))):
        assert len(Author.objects.get_some([ann.pk, bea.pk]).results) == 2
    assert (state(ann), state(bea)) == ("absent", "value")

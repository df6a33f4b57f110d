"""Behaviours 5, 10 and 11, and budgets: the results of reads and their cost."""

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import connections

from caching.reading.batch import Batch
from caching.redis.script import Script
from caching.testutils import redis_usage
from tests.caching.entry_state import entry, state
from tests.support.budgets import measure
from tests.support.threads import in_another_thread, in_parallel
from tests.testapp.models import Author, Book, Parcel

UNKNOWN = 10**12


@pytest.fixture(autouse=True)
def scripts_are_known(clean_cache):
    """Load the scripts into Redis and open a connection: budgets include neither."""
    Author.objects.create_one(email="first@example.com")
    Author.objects.get_one(email="first@example.com")


def reads(cost):
    """(SELECT statements, Redis round trips, Redis commands)"""
    return sum(sql.startswith("SELECT") for sql in cost.sql), cost.round_trips, cost.commands


COLD, HIT = (1, 3, 3), (0, 1, 1)  # fetch, lease, fill; fetch


def authors(number):
    return [author.pk for author in Author.objects.bulk_create(Author(email=f"{n}@x.org") for n in range(number))]


VERBS = {
    "get_one": lambda pk: Author.objects.get_one(pk),
    "get_one_cols": lambda pk: Author.objects.get_one_cols(pk, "name", "born"),
    "get_some": lambda pk: Author.objects.get_some([pk, pk]),
    "get_some_cols": lambda pk: Author.objects.get_some_cols([pk]),
}


@pytest.mark.parametrize("verb", VERBS)
def test_cold_read_is_one_query_and_three_commands_and_a_hit_is_one_command(ann, verb):
    with measure() as cold:
        first = VERBS[verb](ann.pk)
    with measure() as hit:
        second = VERBS[verb](ann.pk)
    assert first == second
    assert (reads(cold), reads(hit)) == (COLD, HIT)


@pytest.mark.parametrize("verb", ["get_some", "get_some_cols"])
def test_unknown_row_costs_the_same_and_is_remembered(verb):
    with measure() as cold:
        assert VERBS[verb](UNKNOWN) == ([], [UNKNOWN])
    with measure() as hit:
        assert VERBS[verb](UNKNOWN) == ([], [UNKNOWN])
    assert (reads(cold), reads(hit)) == (COLD, HIT)


def test_a_cold_lookup_is_one_query_then_a_row_of_its_own_then_two_hits(ann):
    costs = []
    for _ in range(3):
        with measure() as cost:
            assert Author.objects.get_one(email="ann@example.com") == ann
        costs.append(reads(cost))
    assert costs == [COLD, (1, 4, 4), (0, 2, 2)]


def test_a_hit_opens_no_database_connection(ann):
    Author.objects.get_one(email="ann@example.com"), Author.objects.get_one(ann.pk)

    def read():
        Author.objects.get_one(ann.pk)
        Author.objects.get_one(email="ann@example.com")
        return connections["default"].connection

    assert in_another_thread(read) is None


@pytest.mark.one_redis
def test_reading_costs_the_same_for_a_batch_of_any_size():
    for size in (1, 10, 200):
        pks = authors(size)
        with measure() as cold:
            Author.objects.get_some(pks)
        with measure() as hit:
            Author.objects.get_some(pks)
        assert (reads(cold), reads(hit)) == (COLD, HIT)
        Author.objects.filter(pk__in=pks).delete()


@pytest.mark.one_redis
def test_a_write_is_a_hold_and_a_lift(ann):
    writes = {
        "create_one": lambda: Author.objects.create_one(pk=10**6, email="new@example.com"),
        "update_one": lambda: Author.objects.update_one(ann.pk, name="Anna"),
        "save": lambda: ann.save(),
        "update": lambda: Author.objects.filter(pk__in=[ann.pk, 10**6]).update(name="Anna"),
        "delete": lambda: Author.objects.filter(pk=10**6).delete(),
        "bulk_create": lambda: Author.objects.bulk_create([Author(pk=10**7, email="b@x.org")]),
    }
    for verb, write in writes.items():
        with redis_usage() as usage:
            write()
        assert (verb, usage.round_trips, usage.commands) == (verb, 2, 2)


@pytest.mark.one_redis
def test_an_insert_whose_key_the_database_chooses_holds_it_too():
    with redis_usage() as usage:
        Author.objects.create_one(email="new@example.com")
    assert usage.commands == 3


def test_a_write_to_columns_that_are_never_cached_invalidates_nothing(ann):
    Author.objects.get_one(ann.pk)
    with redis_usage() as usage:
        Author.objects.update_one(ann.pk, visits=1)
        Author.objects.filter(pk=ann.pk).update(visits=2, secret="new")
        ann.visits = 3
        ann.save(update_fields=["visits"])
    assert usage.commands == 0
    assert state(ann) == "value"
    assert Author.objects.get_one(ann.pk).visits == 3


def test_saving_one_row_keeps_the_others(ann, bea):
    Author.objects.get_some([ann.pk, bea.pk])
    Author.objects.update_one(ann.pk, name="Anna")
    assert (state(ann), state(bea)) == ("absent", "value")


@pytest.mark.one_redis
def test_batch_keeps_the_asked_order_reads_duplicates_once_and_names_the_unknown():
    one, two, three, four = authors(4)
    Author.objects.get_some([two, UNKNOWN + 1])
    with measure() as cost:
        found = Author.objects.get_some([four, UNKNOWN, two, four, one, UNKNOWN + 1, str(two), three, UNKNOWN])
    assert [author.pk for author in found.results] == [four, two, one, three]
    assert found.missing == [UNKNOWN, UNKNOWN + 1]
    assert reads(cost) == COLD


def test_an_empty_batch_asks_nobody(ann):
    with measure() as cost:
        assert Author.objects.get_some([]) == ([], [])
        assert Author.objects.get_some_cols([]) == ([], [])
        Book.objects.hydrate([], "author")
        Batch().run()
    assert reads(cost) == (0, 0, 0)
    assert cost.sql == []


@pytest.mark.one_redis
def test_several_models_and_scripts_share_one_round_trip(ann):
    book = Book.objects.create_one(title="One", author=ann)
    increase = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")

    def read():
        batch = Batch()
        people, more_people = batch.rows(Author, [ann.pk]), batch.rows(Author, [ann.pk, UNKNOWN])
        books = batch.rows(Book, [book.pk])
        total = batch.script(increase, keys=["total"], args=[5])
        batch.run()
        assert people.instance(ann.pk) == people.instance(str(ann.pk)) == ann
        assert more_people.cols("name") == ([{"name": "Ann"}], [UNKNOWN])
        assert more_people.instance(UNKNOWN) is None
        assert books.instances().results == [book]
        return total.result

    assert read() == 5
    with measure() as cost:
        assert read() == 10
    assert reads(cost) == (0, 1, 2)  # one MGET for every key of every model, and the script


def test_a_script_that_fails_costs_its_own_answer_only(ann):
    batch = Batch()
    people = batch.rows(Author, [ann.pk])
    broken = batch.script(Script("return redis.call('NOSUCH')"), keys=["x"])
    works = batch.script(Script("return ARGV[1]"), keys=["x"], args=["7"])
    batch.run()
    assert people.instance(ann.pk) == ann
    assert (broken.result, works.result) == (None, b"7")
    with measure() as cost:
        assert Author.objects.get_one(ann.pk) == ann
    assert reads(cost) == HIT  # the circuit breaker is closed


def test_columns_are_projections_of_the_one_entry(ann):
    book = Book.objects.create_one(title="One", author=ann)
    with measure() as cost:
        assert Book.objects.get_one_cols(book.pk, "title") == {"title": "One"}
        assert Book.objects.get_one_cols(book.pk, "author_id", "id") == {"author_id": ann.pk, "id": book.pk}
        whole = Book.objects.get_one_cols(book.pk)
    assert list(whole) == ["id", "title", "isbn", "author_id", "editor_id", "publisher_id"]
    assert reads(cost) == (1, 5, 5)


def test_what_cannot_be_asked_is_refused_before_anything_is_sent(ann):
    with measure() as cost:
        for column in ("secret", "visits", "author", "nonsense"):
            with pytest.raises(FieldError, match=f"does not cache '{column}'"):
                Author.objects.get_one_cols(ann.pk, column)
        with pytest.raises(ValidationError):
            Author.objects.get_some(["x"])
        with pytest.raises(ValidationError):
            Parcel.objects.get_one("not-a-uuid")
        for call in ({}, {"pk": 1, "email": "x"}, {"email": "x", "name": "y"}):
            with pytest.raises(TypeError, match="a primary key or one unique lookup"):
                Author.objects.get_one(**call)
        with pytest.raises(ValueError, match="not looked up by 'name'"):
            Author.objects.get_one(name="Ann")
    assert reads(cost) == (0, 0, 0)


def test_unknown_row_raises_the_model_s_own_does_not_exist():
    for call in (lambda: Author.objects.get_one(UNKNOWN), lambda: Author.objects.get_one_cols(UNKNOWN, "name")):
        for _ in range(2):
            with pytest.raises(Author.DoesNotExist, match="Author does not exist"):
                call()
    with pytest.raises(Author.DoesNotExist):
        Author.objects.update_one(UNKNOWN, name="x")


def test_columns_that_are_never_cached_are_read_when_they_are_asked_for(ann):
    Author.objects.get_one(ann.pk)
    cached = Author.objects.get_one(ann.pk)
    assert cached.get_deferred_fields() == {"secret", "visits"}
    with measure() as cost:
        assert cached.secret == "s3cret"
    assert reads(cost) == (1, 0, 0)


def test_an_instance_from_the_cache_refuses_a_whole_row_save(ann):
    stale = Author.objects.get_one(ann.pk)
    Author.objects.update_one(ann.pk, name="Anna")
    with pytest.raises(ValueError, match="read from the cache"):
        stale.save()
    stale.email = "ann@new.example.com"
    stale.save(update_fields=["email"])
    fresh = Author.objects.get_one(ann.pk)
    assert (fresh.name, fresh.email) == ("Anna", "ann@new.example.com")
    fresh.refresh_from_db()
    fresh.name = "Anne"
    fresh.save()
    assert Author.objects.get_one(ann.pk).name == "Anne"
    Author.objects.get_one(ann.pk).delete()
    assert Author.objects.get_some([ann.pk]).missing == [ann.pk]


@pytest.mark.one_redis
def test_hydrate_fills_foreign_keys_in_one_trip(ann, bea):
    books = [
        Book.objects.create_one(title="One", author=ann, editor=bea),
        Book.objects.create_one(title="Two", author=ann),
        Book.objects.create_one(title="Three"),
    ]
    cold = Book.objects.get_some([book.pk for book in books]).results
    Book.objects.hydrate(cold, "author", "editor")
    warm = Book.objects.get_some([book.pk for book in books]).results
    with measure() as cost:
        Book.objects.hydrate(warm, "author", "editor")
        assert [book.author for book in warm] == [ann, ann, None]
        assert [book.editor for book in warm] == [bea, None, None]
    assert reads(cost) == HIT


def test_a_dangling_foreign_key_stays_unfilled(ann):
    book = Book(title="One", author_id=UNKNOWN)
    Book.objects.hydrate([book], "author")
    with pytest.raises(Author.DoesNotExist):
        _ = book.author


def test_plain_queries_never_ask_the_cache(ann):
    Author.objects.get_one(ann.pk)
    with redis_usage() as usage:
        Author.objects.get(pk=ann.pk), list(Author.objects.filter(email="ann@example.com"))
    assert usage.commands == 0


def test_many_threads_reading_and_writing_different_rows_see_their_own_writes():
    pks = authors(8)

    def rename(pk):
        for number in range(5):
            Author.objects.update_one(pk, name=f"{pk} {number}")
            assert Author.objects.get_one(pk).name == f"{pk} {number}"

    in_parallel(*(lambda pk=pk: rename(pk) for pk in pks))
    assert entry(Author(pk=pks[0]))

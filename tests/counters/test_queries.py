"""What is counted, and what a read returns before and after the roll-up."""

import contextlib

import msgspec
import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from caching.api import Batch, redis_client
from caching.redis.client import round_trip
from caching.testutils import redis_usage
from counters import blocks, reads, registry
from counters.models import Counter, Delta
from tests.counters.votes import ZEROS, counts, truth, vote
from tests.support.budgets import budget, measure
from tests.support.empty_redis import empty_redis
from tests.support.threads import Task, in_another_thread
from tests.testapp.models import Author, Book, Loan, Vote


def test_an_id_without_rows_counts_zero(book):
    assert counts(book) == ZEROS
    assert reads.counts_of("book", [10**15]) == {10**15: ZEROS}


def test_declarations_of_one_kind_merge():
    assert list(registry.counters_of("book")) == ["votes", "stars", "public", "public_stars"]


def test_an_unknown_kind_is_an_error():
    with pytest.raises(registry.UnknownKind):
        reads.counts_of("nothing", [1])


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("folded", [True, False])
def test_every_write_counts_at_once(book, voters, fold, cached, folded):
    def check():
        if folded:
            fold()
        if not cached:
            empty_redis()
        assert counts(book) == truth(book)

    counts(book)
    votes = [vote(voters[0], book, stars=5), vote(voters[1], book, stars=3, is_public=False)]
    check()
    assert counts(book) == {"votes": 2, "stars": 8, "public": 1, "public_stars": 5}
    votes[0].stars = 1
    votes[0].save()
    check()
    votes[0].is_public = False
    votes[0].save(update_fields=["is_public"])
    check()
    votes[1].stars = F("stars") + 1
    votes[1].save(update_fields=["stars"])
    check()
    Vote.objects.get_or_create(author=voters[0], book=book)
    check()
    other = Book.objects.create_one(title="Persuasion")
    votes[0].book = other
    votes[0].save()
    check()
    assert counts(other) == truth(other)
    votes[1].delete()
    check()
    assert counts(book) == ZEROS


def test_rows_inserted_many_at_once_are_counted(fold):
    def shown():
        return reads.counts_of("reader", [7, 8])

    assert shown() == {7: {"loans": 0, "pages": 0}, 8: {"loans": 0, "pages": 0}}
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        Loan.objects.bulk_create([Loan(reader=7, book=20)])
        raise ZeroDivisionError
    Loan.objects.bulk_create(Loan(reader=reader, book=book) for reader, book in ((7, 9), (7, 11), (8, 12), (7, 13)))
    for _ in range(2):
        assert shown() == {7: {"loans": 3, "pages": 24}, 8: {"loans": 1, "pages": 12}}
        fold()


def test_a_stale_instance_takes_away_what_the_row_says(book, voters):
    stale = vote(voters[0], book, stars=5)
    Vote.objects.get(pk=stale.pk).delete()
    vote(voters[1], book, stars=2)
    fresh = vote(voters[2], book, stars=5)
    same = Vote.objects.get(pk=fresh.pk)
    same.stars = 3
    same.save()
    fresh.delete()  # the instance still has five stars
    stale.pk = same.pk
    stale.delete()  # its row is already deleted
    assert counts(book) == truth(book) == {"votes": 1, "stars": 2, "public": 1, "public_stars": 2}


def test_a_row_without_an_owner_counts_for_nobody(voters, log):
    vote(voters[0], None)
    assert log() == {("author", "votes"): 1}


def test_a_rollback_counts_nothing(book, voters):
    counts(book)
    vote_and_roll_back(voters[0], book)
    with transaction.atomic():
        vote(voters[1], book, stars=2)
        vote_and_roll_back(voters[2], book)
        vote(voters[3], book, stars=3)
    assert counts(book) == truth(book)
    assert counts(book)["stars"] == 5


def vote_and_roll_back(author, book):
    with transaction.atomic():
        vote(author, book)
        transaction.set_rollback(True)


def test_an_uncommitted_change_is_seen_by_nobody_else(book, voters):
    counts(book)
    with transaction.atomic():
        vote(voters[0], book)
        assert in_another_thread(lambda: counts(book)) == ZEROS
    assert counts(book)["votes"] == 1


def test_cascades_settle_every_counter(book, voters):
    for voter in voters:
        vote(voter, book)
    counts(book)
    voters[0].delete()
    assert counts(book) == truth(book)
    assert reads.counts_of("author", [voters[1].pk]) == {voters[1].pk: {"votes": 1}}
    Book.objects.filter(pk=book.pk).delete()
    assert reads.counts_of("author", [voters[1].pk]) == {voters[1].pk: {"votes": 0}}
    assert counts(book) == ZEROS


@pytest.mark.one_redis
def test_a_cascade_tells_redis_in_one_round_trip(book, voters):
    for voter in voters:
        vote(voter, book)
    Vote.objects.all()[0]
    with redis_usage() as few:
        Vote.objects.filter(author=voters[0]).delete()
    with redis_usage() as many:
        Vote.objects.filter(book=book).delete()
    assert many.round_trips - few.round_trips <= 3  # a hold per vote, but one increment


def test_never_negative(book, voters):
    vote(voters[0], book)
    Delta.objects.create(kind="book", target_id=book.pk, name="votes", amount=-5)
    assert counts(book)["votes"] == 0


@pytest.mark.one_redis
@pytest.mark.parametrize("number", [1, 50, 200])
def test_warm_reads_are_one_command(number, book):
    targets = [f"book:{book.pk + n}" for n in range(0, number * 11, 11)]
    ask(targets)
    with budget(sql=0, round_trips=1, commands=1):
        found = ask(targets)
    assert list(found) == targets


@pytest.mark.one_redis
@pytest.mark.parametrize("number", [1, 200])
def test_cold_reads_are_one_query(number, voters, book):
    vote(voters[0], book, stars=4)
    targets = [f"book:{book.pk + n}" for n in range(0, number * 11, 11)]
    targets += [f"author:{voters[0].pk}"]
    with measure() as cost:
        found = ask(targets)
    assert found[targets[0]] == {"votes": 1, "stars": 4, "public": 1, "public_stars": 4}
    assert found[f"author:{voters[0].pk}"] == {"votes": 1}
    assert (len(cost.sql), cost.round_trips, cost.commands) == (1, 3, 3)
    assert "COUNT(*)" not in cost.sql[0].upper()


@pytest.mark.one_redis
def test_counters_are_read_in_the_round_trip_of_rows(voters, book):
    def read():
        batch = Batch()
        people, found = (
            batch.rows(Author, [voters[0].pk]),
            reads.request_counts(batch, [f"book:{book.pk}", f"book:{book.pk}"]),
        )
        batch.run()
        return people.cols("name").results, msgspec.to_builtins(found.result)

    read()
    with redis_usage() as usage:
        assert read() == ([{"name": "Voter 0"}], {f"book:{book.pk}": ZEROS})
    assert (usage.round_trips, usage.commands) == (1, 1)


def test_a_write_is_one_insert_of_deltas_and_one_bump(voters, book):
    with CaptureQueriesContext(connection) as queries:
        vote(voters[0], book)
    written = [query["sql"] for query in queries if "counters_" in query["sql"]]
    assert len(written) == (1 if connection.features.can_return_rows_from_bulk_insert else 5)
    assert all(sql.startswith("INSERT INTO") and "counters_delta" in sql for sql in written)


def test_a_wiped_redis_makes_no_false_zeros(voters, book, fold):
    for voter in voters:
        vote(voter, book)
        assert counts(book) == truth(book)
        redis_client().flushdb()
        assert counts(book) == truth(book)
    fold()
    redis_client().flushdb()
    assert counts(book) == truth(book)


def test_a_bump_of_what_is_folded_already_changes_nothing(voters, book, fold, monkeypatch):
    """A writer increments Redis late, when its delta is already in the value that was read after the roll-up."""
    vote(voters[1], book)
    fold()
    late = []
    monkeypatch.setattr(blocks, "increment_commands", lambda rows: late.append(list(rows)) or [])
    counts(book)
    vote(voters[0], book)
    fold()
    assert counts(book)["votes"] == 2
    monkeypatch.undo()
    for rows in late:
        round_trip(blocks.increment_commands(rows))
    assert counts(book)["votes"] == 2


def test_a_bump_that_is_lost_is_made_good_by_the_roll_up(voters, book, fold, monkeypatch):
    monkeypatch.setattr(blocks, "increment_commands", lambda rows: [])
    counts(book)
    vote(voters[0], book)
    assert counts(book)["votes"] == 0
    fold()
    assert counts(book)["votes"] == 1


def test_a_reader_that_loaded_before_a_roll_up_does_not_fill_after_it(voters, book, fold, monkeypatch):
    vote(voters[0], book)
    load = blocks.SOURCE.load

    def slow(wanted):
        found = load(wanted)
        Task(lambda: (vote(voters[1], book), fold())).result()
        return found

    monkeypatch.setattr(blocks.SOURCE, "load", slow)
    counts(book)
    monkeypatch.undo()
    assert counts(book)["votes"] == 2


def test_another_version_s_entry_is_replaced(voters, book):
    vote(voters[0], book)
    counts(book)
    name = blocks.key(blocks.block_of("book", book.pk))
    entry = redis_client().get(name)
    for other in (b"V\0\0\0\0" + entry[5:], entry[:-2], b"V", entry[:5] + b"\x91\x00"):
        redis_client().set(name, other)
        vote(voters[0], Book.objects.create_one(title="Other"))
        assert counts(book) == truth(book)
        assert redis_client().get(name).startswith(entry[:5])


def test_counters_of_removed_declarations_are_ignored(book):
    Counter.objects.create(kind="book", target_id=book.pk, name="gone", value=7)
    assert counts(book) == ZEROS


def ask(targets):
    batch = Batch()
    found = reads.request_counts(batch, targets)
    batch.run()
    return msgspec.to_builtins(found.result)


@pytest.mark.parametrize("folded", [True, False])
def test_an_update_of_many_rows_is_counted(book, voters, fold, folded):
    other = Book.objects.create_one(title="Persuasion")
    for number, voter in enumerate(voters[:3]):
        vote(voter, book, stars=number + 1)
    for changes in (
        {"stars": 4},
        {"stars": F("stars") + 1},
        {"is_public": False},
        {"book": other},
        {"book": None},
        {"book": book, "is_public": True},
    ):
        Vote.objects.filter(author__in=voters[:2]).update(**changes)
        if folded:
            fold()
        assert (counts(book), counts(other)) == (truth(book), truth(other)), changes


def test_an_update_that_rolls_back_counts_nothing(book, voters):
    vote(voters[0], book, stars=1)
    before = counts(book)
    with transaction.atomic():
        Vote.objects.update(stars=5)
        transaction.set_rollback(True)
    assert counts(book) == before == truth(book)


def test_cached_rows_inserted_many_at_once_are_counted(book, voters):
    counts(book)
    Vote.objects.bulk_create([Vote(author=voter, book=book, stars=2) for voter in voters[:3]])
    assert counts(book) == truth(book)

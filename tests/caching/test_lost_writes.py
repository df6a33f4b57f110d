"""Behaviour 69: a replica that is promoted without what its master has acknowledged brings no old value back."""

import pytest
from django.db import connection

from caching.api import invalidate_all
from caching.models import RedisRun
from caching.ops.warm import Warming
from caching.reading.batch import Batch
from caching.redis.breaker import breaker
from caching.redis.client import redis_client
from counters.api import counts_of
from tests.caching.outages import WRITES, served_until_the_cache_is_read_again, waiting
from tests.caching.statements import statements
from tests.support.circuit_breaker import renew
from tests.support.id_set_members import members_among
from tests.support.polling import wait_until
from tests.testapp.models import Author, Loan, Note, Review, Vote, loans, open_notes, stars_given

READER = 7


@pytest.fixture(autouse=True)
def redis(redis_pair):
    return redis_pair


@pytest.mark.parametrize("process", ["that wrote", "that starts"])
@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_the_replica_never_got(redis, cached, write, process):
    redis.cut_off()
    WRITES[write](cached)
    redis.fail_over()
    if process == "that starts":
        renew()
    assert served_until_the_cache_is_read_again(cached) == {"Anna"}


def answer(question):
    batch = Batch()
    found = batch.add(question)
    batch.run()
    return found.result


def by_hand(author):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_author SET name = 'Anna' WHERE id = %s", [author.pk])


# What is asked, and what changes the answer.
ENTRIES = {
    "an id set that is added to": (
        lambda ann: members_among(loans, READER, [1, 2]),
        lambda ann: Loan.objects.create(reader=READER, book=2),
    ),
    "an id set that is taken from": (
        lambda ann: members_among(loans, READER, [1, 2]),
        lambda ann: Loan.objects.filter(reader=READER).delete(),
    ),
    "an id list": (
        lambda ann: answer(open_notes.of(READER)),
        lambda ann: Note.objects.create(reader=READER),
    ),
    "an edge value": (
        lambda ann: answer(stars_given.of(READER, [1, 2])),
        lambda ann: Review.objects.update_or_create(reader=READER, book=2, defaults={"stars": 5}),
    ),
    "a counter": (
        lambda ann: counts_of("author", [ann.pk]),
        lambda ann: Vote.objects.create(author=ann),
    ),
    "no such row": (
        lambda ann: len(Author.objects.get_some([10**6]).results),
        lambda ann: Author.objects.create(pk=10**6, email="new@x"),
    ),
    "a unique value": (
        lambda ann: Author.objects.get_one(email="ann@example.com").name,
        lambda ann: Author.objects.update_one(ann.pk, name="Anna"),
    ),
    "an entry that was dropped by hand": (
        lambda ann: Author.objects.get_one(ann.pk).name,
        lambda ann: (by_hand(ann), Author.objects.drop_entry(ann.pk)),
    ),
    "all entries, invalidated by hand": (
        lambda ann: Author.objects.get_one(ann.pk).name,
        lambda ann: (by_hand(ann), invalidate_all()),
    ),
}


def asked_until_it_is_a_hit(ask):
    """Ask until the cache answers; return all answers."""
    answers = []

    def hit():
        with statements() as sql:
            answers.append(ask())
        return not sql

    wait_until(hit)
    return answers


@pytest.mark.parametrize("kind", ENTRIES)
def test_each_kind_of_entry(redis, ann, kind):
    ask, change = ENTRIES[kind]
    Loan.objects.create(reader=READER, book=1)
    (old, *_) = asked_until_it_is_a_hit(lambda: ask(ann))
    redis.cut_off()
    change(ann)
    new = ask(ann)
    assert new != old
    redis.fail_over()
    assert [each for each in asked_until_it_is_a_hit(lambda: ask(ann)) if each != new] == []


def test_id_sets_are_kept_by_holds_in_the_new_run_as_in_the_first(redis):
    redis.wait_for_replica()
    redis.fail_over()
    wait_until(breaker.may_read)
    for book in (1, 2):
        asked_until_it_is_a_hit(lambda: members_among(loans, READER, [1, 2, 3]))
        Loan.objects.create(reader=READER, book=book)
        with statements() as sql:
            assert members_among(loans, READER, [1, 2, 3]) == {1: True, 2: book == 2, 3: False}
        assert sql.about(Loan) == 0
    Loan.objects.filter(reader=READER).delete()
    assert members_among(loans, READER, [1, 2, 3]) == {1: False, 2: False, 3: False}


def test_what_was_pending_and_was_applied_to_the_master_alone(redis, cached, settings):
    settings.CACHING = {
        **settings.CACHING,
        "HOLD_MS": 1_500,
    }  # Redis takes the hold when it goes on, and no writer lifts it
    redis.cut_off()
    redis.master.freeze()
    Author.objects.update_one(cached.pk, name="Anna")
    redis.master.thaw()
    assert served_until_the_cache_is_read_again(cached) == {"Anna"}
    assert waiting() == set()
    redis.fail_over()
    assert served_until_the_cache_is_read_again(cached) == {"Anna"}


def test_entries_of_the_run_before_are_replaced_one_by_one(redis, ann, bea):
    """Each is loaded once: leases hold off the others, and no flood reaches the database."""
    Author.objects.get_some([ann.pk, bea.pk])
    redis.wait_for_replica()
    redis.fail_over()
    served_until_the_cache_is_read_again_by_pk(ann)
    with statements() as sql:
        assert Author.objects.get_some([ann.pk, bea.pk]).missing == []
    assert sql.about(Author) == 1
    with statements() as sql:
        assert Author.objects.get_some([ann.pk, bea.pk]).missing == []
    assert sql.about(Author) == 0


def served_until_the_cache_is_read_again_by_pk(author):
    asked_until_it_is_a_hit(lambda: Author.objects.get_one(author.pk).name)


def test_one_redis_without_replicas_costs_nothing(redis, ann):
    """No row, no mark, and no question before a write is acknowledged."""
    redis.replica.kill()
    renew()
    served_until_the_cache_is_read_again_by_pk(ann)
    Author.objects.update_one(ann.pk, name="Anna")
    served_until_the_cache_is_read_again_by_pk(ann)
    assert not RedisRun.objects.exists()
    assert [entry[:1] for entry in redis_client().mget(redis_client().keys("*:testapp.author:*"))] == [b"V"]


def test_a_redis_that_tells_nothing_of_its_runs_is_used_all_the_same(redis, ann):
    redis_client().execute_command("ACL", "SETUSER", "default", "-info")
    renew()
    served_until_the_cache_is_read_again_by_pk(ann)


def test_warming_fills_for_the_new_run(redis, ann):
    redis.wait_for_replica()
    redis.fail_over()
    served_until_the_cache_is_read_again_by_pk(ann)
    Author.objects.drop_entry(ann.pk)
    assert sum(filled for _, filled in Warming(Author).run()) == 1
    with statements() as sql:
        Author.objects.get_one(ann.pk)
    assert sql.about(Author) == 0

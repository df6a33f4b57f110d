"""Behaviour 17 and the command warm_cache: concurrent writers, workers, interruptions, invalid input."""

import io
import os
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from caching import registry
from caching.entries import rows
from caching.entries.rows import rows_of
from caching.management.commands import warm_cache
from caching.ops import warm
from caching.protocol import steps
from caching.redis.breaker import breaker
from caching.redis.client import redis_client
from caching.testutils import redis_usage
from tests.caching.crash_points import kill_at
from tests.caching.entry_state import entry, state
from tests.caching.statements import statements
from tests.support.interpose import interpose
from tests.support.threads import in_another_thread, in_parallel
from tests.testapp.models import Author, Book, Novel, Parcel


def authors(number, **columns):
    return Author.objects.bulk_create(Author(email=f"{n}@x.org", **columns) for n in range(number))


def run(*args, **options):
    out = io.StringIO()
    call_command("warm_cache", *args, stdout=out, verbosity=0, **options)
    return out.getvalue().splitlines()


def cached(rows):
    return [state(row) == "value" for row in rows]


def test_all_models_of_the_registry_are_warmed_and_then_read_without_sql(ann):
    rows = [ann, Book.objects.create(title="One"), Novel.objects.create(title="Long", pages=3), Parcel.objects.create()]
    lines = run()
    assert [line.split(":")[0] for line in lines] == [model._meta.label for model in registry.models()]
    with statements() as sql:
        for row in rows:
            assert type(row).objects.get_one(row.pk) == row
    assert sql == []


def test_it_can_be_repeated_and_leaves_what_is_there_alone(ann, bea):
    Author.objects.get_one(ann.pk)
    before = entry(ann), redis_client().pttl(rows_of(Author).key(ann.pk))
    assert run("testapp.Author") == ["testapp.Author: 1 entries filled, 1 were there already."]
    with statements() as sql:
        assert run("testapp.author") == ["testapp.Author: 0 entries filled, 2 were there already."]
    assert sql.about(Author) == 2  # the count and the keys, no rows
    after = entry(ann), redis_client().pttl(rows_of(Author).key(ann.pk))
    assert after[0] == before[0]
    assert after[1] <= before[1]


def test_an_empty_table_is_no_error():
    assert run("testapp.Author") == ["testapp.Author: 0 entries filled, 0 were there already."]


def test_limit_takes_the_newest(monkeypatch):
    monkeypatch.setattr(warm, "CHUNK", 4)
    rows = authors(12)
    assert run("testapp.Author", "--limit", "10") == ["testapp.Author: 10 entries filled, 0 were there already."]
    assert cached(rows) == [False] * 2 + [True] * 10
    assert run("testapp.Author", "--limit", "100") == ["testapp.Author: 2 entries filled, 10 were there already."]


def test_since_takes_what_is_not_older():
    now = timezone.now()
    ages = [timedelta(days=9), timedelta(days=3), timedelta(hours=1)]
    rows = [Author.objects.create_one(email=f"{age}", born=now - age) for age in ages]
    rows.append(Author.objects.create_one(email="ageless"))
    run("testapp.Author", "--since", "2h")
    assert cached(rows) == [False, False, True, False]
    run("testapp.Author", "--since", (now - timedelta(days=4)).isoformat())
    assert cached(rows) == [False, True, True, False]
    run("testapp.Author", "--since", "30d")
    assert cached(rows) == [True, True, True, False]


def test_what_a_moment_is():
    assert warm_cache.since("2024-05-01").moment == datetime(2024, 5, 1, tzinfo=UTC)
    assert warm_cache.since("2024-05-01T10:00:00+02:00").moment == datetime(2024, 5, 1, 8, tzinfo=UTC)
    for text, age in {"90s": timedelta(seconds=90), "30m": timedelta(minutes=30), "7d": timedelta(days=7)}.items():
        assert abs(timezone.now() - age - warm_cache.since(text).moment) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["testapp.Nothing"], "testapp.Nothing is not a cached model. There are: "),
        (["testapp.Publisher"], "testapp.Publisher is not a cached model. There are: "),
        (["nonsense"], "nonsense is not a cached model. There are: "),
        (["--limit", "0"], "'0' is not a positive number"),
        (["--limit", "-5"], "'-5' is not a positive number"),
        (["--limit", "ten"], "'ten' is not a positive number"),
        (["--workers", "0"], "'0' is not a positive number"),
        (["--since", "yesterday"], "'yesterday' is neither an age"),
        (["--since", "2024-13-01"], "'2024-13-01' is neither an age"),
        (["--since", "9999999999d"], "'9999999999d' is neither an age"),
        (["testapp.Book", "--since", "7d"], r"testapp.Book declares no Cached\(since=…\) column"),
        (["testapp.Author", "testapp.Book", "--since", "7d"], r"testapp.Book declares no Cached\(since=…\) column"),
    ],
)
def test_bad_arguments_get_a_sentence_and_change_nothing(ann, arguments, sentence):
    with pytest.raises(CommandError, match=sentence) as error:
        run(*arguments)
    assert "\n" not in str(error.value)
    assert state(ann) == "absent"


def test_redis_out_of_reach_gets_a_sentence(ann, own_redis):
    own_redis.kill()
    with pytest.raises(CommandError, match=r"Redis cannot be used \(.*\). Run the command again to go on"):
        run("testapp.Author")


def test_redis_that_fails_midway_gets_a_sentence_and_the_next_run_goes_on(own_redis, monkeypatch):
    monkeypatch.setattr(warm, "CHUNK", 10)
    rows = authors(30)
    chunks = []

    def third_chunk_fails(*args, **options):
        chunks.append(1)
        if len(chunks) == 3:
            own_redis.kill()
        return lease(*args, **options)

    lease = steps.lease
    monkeypatch.setattr(steps, "lease", third_chunk_fails)
    with pytest.raises(CommandError, match="Run the command again to go on"):
        run("testapp.Author")
    own_redis.start()
    while not breaker.may_read():
        pass
    assert run("testapp.Author") == [
        "testapp.Author: resuming after 20 rows.",
        "testapp.Author: 10 entries filled, 0 were there already.",
    ]
    assert cached(rows) == [True] * 30


def test_a_killed_run_is_resumed(monkeypatch):
    monkeypatch.setattr(warm, "CHUNK", 10)
    rows = authors(45)
    kill_at("warming")
    assert cached(rows) == [False] * 15 + [True] * 30
    assert run("testapp.Author") == [
        "testapp.Author: resuming after 20 rows.",
        "testapp.Author: 15 entries filled, 10 were there already.",
    ]
    assert cached(rows) == [True] * 45
    assert run("testapp.Author") == ["testapp.Author: 0 entries filled, 45 were there already."]


def test_a_run_by_age_is_resumed_as_the_same_run(monkeypatch):
    """The age given by --since refers to another moment when the run is resumed."""
    monkeypatch.setattr(warm, "CHUNK", 10)
    authors(30, born=timezone.now())
    after = warm_cache.since("7d")
    interrupted = warm.Warming(Author, since=after.moment, name=after.text).run()
    next(interrupted)
    interrupted.close()
    assert run("testapp.Author", "--since", "7d")[0] == "testapp.Author: resuming after 10 rows."


@pytest.mark.one_redis
def test_a_warm_up_costs_a_chunk_two_commands_and_two_queries(monkeypatch):
    rows = authors(40)
    run("testapp.Author")
    redis_client().delete(*(rows_of(Author).key(row.pk) for row in rows))
    with redis_usage() as usage, statements() as sql:
        run("testapp.Author")
    assert sql.about(Author) == 3  # the count, the keys, the rows
    assert usage.commands == 5  # the point to resume at; lease, fill, progress; the end


def test_workers_share_the_work_and_fill_the_same(monkeypatch):
    monkeypatch.setattr(warm, "CHUNK", 10)
    rows = authors(95)
    assert run("testapp.Author", "--workers", "2") == ["testapp.Author: 95 entries filled, 0 were there already."]
    assert cached(rows) == [True] * 95
    with statements() as sql:
        assert Author.objects.get_some([row.pk for row in rows]).results == rows
    assert sql == []


def test_a_worker_that_is_killed_gets_a_sentence(ann, monkeypatch):
    class Doomed(warm_cache.ProcessPoolExecutor):
        def submit(self, call, *args):
            return super().submit(os._exit, 9)

    monkeypatch.setattr(warm_cache, "ProcessPoolExecutor", Doomed)
    with pytest.raises(CommandError, match="A worker process was killed"):
        run("testapp.Author", "--workers", "2")


OVERTAKEN = {
    "before the leases": (steps, "lease", "before"),
    "before the load": (rows.Rows, "load", "before"),
    "after the load": (rows.Rows, "load", "after"),
    "before the fill": (steps, "fill", "before"),
}


@pytest.mark.parametrize("step", OVERTAKEN)
def test_a_writer_at_any_step_of_a_warm_up_is_not_overrun(ann, bea, step):
    owner, name, when = OVERTAKEN[step]

    def write():
        Author.objects.update_one(ann.pk, name="Anna")
        Author.objects.filter(pk=bea.pk).delete()

    with interpose(owner, name, **{when: lambda: in_another_thread(write)}):
        run("testapp.Author")
    assert Author.objects.get_one(ann.pk).name == "Anna"
    assert Author.objects.get_some([bea.pk]).missing == [bea.pk]


def test_rows_that_a_writer_holds_are_left_to_it(ann, bea):
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Anna")
        assert in_another_thread(lambda: run("testapp.Author")) == [
            "testapp.Author: 1 entries filled, 1 were there already.",
        ]
        assert (state(ann), state(bea)) == ("hold", "value")
    assert Author.objects.get_one(ann.pk).name == "Anna"


def test_a_warm_up_beside_busy_writers_plants_nothing_old(monkeypatch):
    monkeypatch.setattr(warm, "CHUNK", 5)
    rows = authors(20)

    def write(mine):
        for number in range(8):
            for row in mine:
                Author.objects.update_one(row.pk, name=str(number))
                assert Author.objects.get_one(row.pk).name == str(number)

    def warm_up():
        for _ in range(10):
            list(warm.Warming(Author).run())

    in_parallel(lambda: write(rows[:10]), lambda: write(rows[10:]), warm_up)
    assert {author.name for author in Author.objects.get_some([row.pk for row in rows]).results} == {"7"}

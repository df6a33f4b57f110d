"""reconcile_counters and rollup_counters: what they mend and report; behaviour 27."""

import io
import os
import signal
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from counters import reads, reconcile, rollup
from counters.models import Counter, Delta, Reconciliation
from tests.caching.own_redis import until
from tests.caching.threads import together
from tests.counters import processes
from tests.counters.test_values import counts, truth, vote
from tests.shelf.models import Author, Vote


def run(*args, verbosity=0):
    out = io.StringIO()
    call_command("reconcile_counters", *args, stdout=out, verbosity=verbosity)
    return out.getvalue().splitlines()


def drift(kind, target_id, name, by):
    Delta.objects.create(kind=kind, target_id=target_id, name=name, amount=by)


@pytest.fixture
def drifted(book, voters, fold):
    """A book that shows too much, a voter that shows too little, and a target whose rows are all gone."""
    for voter in voters:
        vote(voter, book, stars=2)
    fold()
    drift("book", book.pk, "stars", 7)
    drift("author", voters[0].pk, "votes", -1)
    Counter.objects.create(kind="book", target_id=10**9, name="votes", value=3)
    return book


def expected(book, voter):
    return [
        f"author:{voter.pk} votes: showed 0, is 1 (+1)",
        f"book:{book.pk} stars: showed 17, is 10 (-7)",
        "book:1000000000 votes: showed 3, is 0 (-3)",
    ]


def test_what_drifted_is_reported_and_mended(drifted, voters, fold):
    *report, summary = run()
    assert report == expected(drifted, voters[0])
    assert summary == "7 targets compared, 3 counters had drifted, by 11 in all; mended."
    assert run() == ["7 targets compared, 0 counters had drifted, by 0 in all; mended."]
    fold()
    assert counts(drifted) == truth(drifted)
    assert reads.counts_of("book", [10**9])[10**9]["votes"] == 0
    assert run("--check")[-1].endswith("0 counters had drifted, by 0 in all; nothing changed.")


def test_kinds_and_targets(drifted, voters):
    assert run("author")[:-1] == expected(drifted, voters[0])[:1]
    assert run("--target", f"book:{drifted.pk}")[:-1] == expected(drifted, voters[0])[1:2]
    assert run("book")[:-1] == expected(drifted, voters[0])[2:]


@pytest.mark.parametrize("flag", ["--dry-run", "--check"])
def test_a_dry_run_changes_nothing(drifted, voters, flag):
    before = list(Counter.objects.values_list()), list(Delta.objects.values_list())
    with CaptureQueriesContext(connection) as queries:
        if flag == "--check":
            with pytest.raises(SystemExit) as end:
                run(flag)
            assert end.value.code == 1
        else:
            assert run(flag)[:-1] == expected(drifted, voters[0])
    assert all(query["sql"].lstrip("(").startswith("SELECT") for query in queries)
    assert (list(Counter.objects.values_list()), list(Delta.objects.values_list())) == before
    with pytest.raises(SystemExit):
        run("--check", "--target", f"book:{drifted.pk}")


@pytest.mark.parametrize(
    "args",
    [
        ["unicorn"],
        ["--target", "unicorn:1"],
        ["--target", "book"],
        ["--target", "book:1", "author"],
        ["--target", "book:1", "--resume"],
        ["--check", "--resume"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(args):
    with pytest.raises(CommandError):
        run(*args)


def test_chunks_cover_all_targets_once(voters, monkeypatch):
    for voter in voters:
        vote(voter, None)
    drift("author", voters[2].pk, "votes", 5)
    monkeypatch.setattr(reconcile, "CHUNK", 2)
    chunks = list(reconcile.run("author"))
    assert [chunk.targets for chunk in chunks] == [2, 2, 1]
    assert [(chunk.first, chunk.last) for chunk in chunks] == [
        (voters[0].pk, voters[1].pk),
        (voters[2].pk, voters[3].pk),
        (voters[4].pk, voters[4].pk),
    ]
    assert [each.name for chunk in chunks for each in chunk.drifts] == ["votes"]


def test_a_write_after_the_snapshot_is_not_mended_away(book, voters, monkeypatch, fold):
    drift("book", book.pk, "votes", 2)
    insert = reconcile.deltas.insert

    def late(using, rows):
        if connection.vendor == "mysql":  # SQLite lets nobody write meanwhile
            together(lambda: vote(voters[0], book), fold)
        insert(using, rows)

    monkeypatch.setattr(reconcile.deltas, "insert", late)
    reconcile.run_one("book", book.pk)
    monkeypatch.undo()
    fold()
    assert counts(book) == truth(book)


def test_two_at_once_mend_once(book):
    drift("book", book.pk, "votes", 5)
    together(*[lambda: list(reconcile.run("book"))] * 4)
    assert reconcile.run_one("book", book.pk, mend=False).drifts == []


def test_beside_writers_and_roll_ups(voters, fold):
    author = voters[0]
    drift("author", author.pk, "votes", 1_000)
    running = [processes.start("vote", author.pk), processes.start("vote", author.pk), processes.start("fold")]
    try:
        until(lambda: Vote.objects.count() > 20)
        mended = [sum(each.truth - each.shown for chunk in reconcile.run("author") for each in chunk.drifts)]
        for _ in range(30):
            mended += [each.truth - each.shown for chunk in reconcile.run("author") for each in chunk.drifts]
        assert all(process.is_alive() for process in running)
    finally:
        for process in running:
            process.kill()
    assert mended == [-1_000]
    until(lambda: fold() or not Delta.objects.exists())
    assert reads.counts_of("author", [author.pk])[author.pk]["votes"] == Vote.objects.filter(author=author).count()


def test_an_interrupted_run_resumes():
    people = [Author.objects.create_one(name="A", email=f"a{n}@example.com") for n in range(35)]
    with transaction.atomic():
        for person in people:
            vote(person, None)
            drift("author", person.pk, "votes", 1)
    processes.killed("reconcile", 0, 3)  # in its third ten
    assert reconcile.interrupted_at("author") == people[19].pk
    until(lambda: not connection.features.has_select_for_update or free("author"))
    lines = run("author", "--resume")
    assert lines[0] == f"author: resuming after author:{people[19].pk}."
    assert lines[-1] == "15 targets compared, 15 counters had drifted, by 15 in all; mended."
    assert run("author", "--resume")[-1].startswith("35 targets compared, 0 counters")


def free(kind):
    """Whether the lock of the dead process is gone."""
    with transaction.atomic():
        return Reconciliation.objects.select_for_update(skip_locked=True).filter(kind=kind).exists()


def test_roll_up_once(book, voters):
    vote(voters[0], book)
    out = io.StringIO()
    call_command("rollup_counters", "--once", stdout=out)
    assert out.getvalue() == "5 deltas folded.\n"
    assert not Delta.objects.exists()
    assert Counter.objects.get(kind="book", name="votes").value == 1


def test_the_roll_up_process_works_until_it_is_asked_to_end(book, voters):
    command = [sys.executable, "manage.py", "rollup_counters"]
    process = subprocess.Popen(
        command, env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}, stderr=subprocess.PIPE
    )
    try:
        for voter in voters[:2]:
            vote(voter, book)
            until(lambda: not Delta.objects.exists())
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, errors) == (0, b"")
    assert counts(book) == truth(book)


def test_a_roll_up_takes_all_in_pieces(book, voters, monkeypatch):
    monkeypatch.setattr(rollup, "CHUNK", 3)
    for voter in voters:
        vote(voter, book)
    assert rollup.roll_up_chunk() == 3
    assert counts(book) == truth(book)
    assert rollup.roll_up_all() == 22
    assert counts(book) == truth(book)


def test_roll_ups_at_once(book, voters, monkeypatch):
    monkeypatch.setattr(rollup, "CHUNK", 2)
    for voter in voters:
        vote(voter, book)
    together(*[rollup.roll_up_all] * 4)
    until(lambda: rollup.roll_up_all() or not Delta.objects.exists())
    assert counts(book) == truth(book)

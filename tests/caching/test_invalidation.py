"""Entries of a model, of a set or list, of one owner, or all are deleted at once, beside readers and writers."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from caching.api import Batch, invalidate_all
from caching.conf import conf
from caching.entries.rows import rows_of
from caching.models import PendingInvalidation
from caching.protocol import steps
from caching.redis.breaker import breaker
from caching.redis.client import redis_client
from caching.redis.epochs import epochs
from caching.testutils import reset_cache
from tests.support.polling import wait_until
from tests.testapp.models import (
    Author,
    Bookmark,
    Note,
    Novel,
    Penname,
    Review,
    bookmarks,
    loans,
    open_notes,
    stars_given,
)  # fmt: skip

READER = 7


@pytest.fixture
def filled(ann, bea):
    """Entries of two authors, a lookup, and of two owners' sets, lists and values; other keys."""
    for reader in (READER, 70):
        Bookmark.objects.create(reader=reader, book=1)
        Note.objects.create(reader=reader)
        Review.objects.create(reader=reader, book=1, stars=4)
        read_derived(reader)
    Author.objects.get_some([ann.pk, bea.pk])
    Author.objects.get_one(email="ann@example.com")
    for key in foreign():
        redis_client().set(key, "mine")
    yield
    assert [redis_client().get(key) for key in foreign()] == [b"mine"] * len(foreign())


def foreign():
    prefix = conf().prefix
    names = ["testapp.author:1", "session:1", f"{prefix}2:testapp.author:1", f"{prefix}:counter:1"]
    return [*names, f"{prefix}:testapp.authors:1", f"other:{prefix}:testapp.author:1"]


def read_derived(reader):
    batch = Batch()
    found = batch.add(bookmarks.among(reader, [1, 2])), batch.add(open_notes.of(reader))
    stars = batch.add(stars_given.of(reader, [1, 2]))
    batch.run()
    return found[0].members, found[1].result, stars.result


def count(pattern):
    return sum(1 for key in redis_client().scan_iter(match=f"{conf().prefix}:{pattern}"))


def command(*args, **options):
    out = StringIO()
    call_command("invalidate_cache", *args, stdout=out, verbosity=0, **options)
    return out.getvalue()


def test_a_model_s_rows_and_lookups_go_and_others_stay(filled, ann):
    raw("name", "Zoe", ann.pk)
    assert Author.objects.get_one(ann.pk).name == "Ann"
    others = count("*")
    assert Author.objects.invalidate() == 3
    assert count("*") == others - 3
    assert Author.objects.get_one(ann.pk).name == "Zoe"
    assert Author.objects.get_one(email="ann@example.com").name == "Zoe"


def raw(column, value, pk):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE testapp_author SET {column} = %s WHERE id = %s", [value, pk])  # noqa: S608


def test_a_proxy_and_a_multi_table_child_share_the_entries(ann):
    novel = Novel.objects.create_one(title="One")
    Novel.objects.get_one(novel.pk)
    Author.objects.get_one(ann.pk)
    assert Penname.objects.invalidate() == 1
    assert novel.book_ptr._meta.model.objects.invalidate() == 1


@pytest.mark.parametrize("source", [bookmarks, open_notes, stars_given], ids=["set", "list", "values"])
def test_one_owner_s_entries_and_then_all_of_a_kind(filled, source):
    label = source.key_prefix()
    before = [key for key in redis_client().scan_iter(match=f"{label}*") if not key.endswith(b":m")]
    assert source.invalidate(READER) == len(before) // 2
    assert source.invalidate() == len(before) // 2
    assert not list(redis_client().scan_iter(match=f"{label}*"))
    assert loans.invalidate() == 0
    assert read_derived(READER) == ({1}, [Note.objects.get(reader=READER).pk], {1: 4, 2: None})


def test_everything_goes(filled, ann):
    assert invalidate_all() == 3 + 2 + 2 + 4
    assert count("*") == 2, "the foreign ones"


def test_a_reader_who_loaded_before_does_not_fill(ann):
    source, token = rows_of(Author), steps.new_token()
    key = source.key(ann.pk)
    steps.lease({key: None}, token)
    entry = source.encode(ann.pk, source.load([ann.pk])[ann.pk])
    assert Author.objects.invalidate() == 1
    assert steps.fill({key: entry}, token, since=epochs.version) == [key]
    assert redis_client().get(key) is None


def test_a_writer_s_hold_stays_and_the_kept_set_goes(ann):
    Bookmark.objects.create(reader=READER, book=1)
    read_derived(READER)
    Author.objects.get_one(ann.pk)
    with transaction.atomic():
        Author.objects.update_one(ann.pk, name="Zoe")
        Bookmark.objects.create(reader=READER, book=2)
        assert invalidate_all() == 3, "what another reader filled"
        assert redis_client().get(rows_of(Author).key(ann.pk))[:1] == b"H"
        state = redis_client().get(bookmarks.state_key(READER))
        assert state[:1] == b"H"
        assert b"|" not in state
    assert redis_client().get(bookmarks.state_key(READER)) is None
    assert read_derived(READER)[0] == {1, 2}


def test_in_a_transaction_it_is_done_again_after_the_commit(ann):
    Author.objects.get_one(ann.pk)
    old = redis_client().get(rows_of(Author).key(ann.pk))
    with transaction.atomic():
        raw("name", "Zoe", ann.pk)
        Author.objects.invalidate()
        redis_client().set(rows_of(Author).key(ann.pk), old)  # another reader has filled meanwhile
    assert Author.objects.get_one(ann.pk).name == "Zoe"
    assert not PendingInvalidation.objects.exists()


def test_in_manual_transactions_too(ann):
    Author.objects.get_one(ann.pk)
    old = redis_client().get(rows_of(Author).key(ann.pk))
    transaction.set_autocommit(False)
    try:
        raw("name", "Zoe", ann.pk)
        Author.objects.invalidate()
        redis_client().set(rows_of(Author).key(ann.pk), old)
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
    assert Author.objects.get_one(ann.pk).name == "Zoe"


def test_if_redis_is_away_by_then_it_is_remembered(ann):
    Author.objects.get_one(ann.pk)
    old = redis_client().get(rows_of(Author).key(ann.pk))
    with transaction.atomic():
        raw("name", "Zoe", ann.pk)
        Author.objects.invalidate()
        redis_client().set(rows_of(Author).key(ann.pk), old)
        breaker.trip(ConnectionError("away"))
        Author.objects.update_one(ann.pk, email="zoe@example.com")
    assert Author.objects.get_one(ann.pk).name == "Zoe"
    wait_until(breaker.may_read)
    assert Author.objects.get_one(ann.pk).name == "Zoe"
    assert not PendingInvalidation.objects.exists()


def test_prefixes_are_no_patterns(settings, ann):
    settings.CACHING = {"PREFIX": "sh[o]p*"}
    Author.objects.get_one(ann.pk)
    other = rows_of(Author).key(1).replace("sh[o]p*", "shop")
    redis_client().set(other, "mine")
    assert Author.objects.invalidate() == 1
    assert redis_client().get(other) == b"mine"


def test_many_entries_are_deleted_page_by_page():
    authors = Author.objects.bulk_create(Author(email=f"{n}@x") for n in range(2_500))
    Author.objects.get_some([author.pk for author in authors])
    assert "testapp.author: 2500 entries would be deleted." in command("testapp.Author", "--dry-run")
    assert "testapp.author: 2500 entries deleted." in command("testapp.Author")
    assert "testapp.author: 0 entries deleted." in command("testapp.Author")


def test_the_command_counts_by_model_set_and_list(filled):
    told = command("--all", "--dry-run")
    assert "testapp.author: 3 entries would be deleted." in told
    assert "testapp.bookmark.reader.book: 2 entries would be deleted." in told
    assert command("testapp.Bookmark.reader.book", "testapp.note") == (
        "testapp.bookmark.reader.book: 2 entries deleted.\ntestapp.note: 2 entries deleted.\n"
    )
    assert "testapp.review.reader.book.stars: 4 entries deleted." in command("--all")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((), "Name models, sets or lists, or say --all."),
        (("testapp.Author", "--all"), "Name models, sets or lists, or say --all."),
        (("testapp.Nobody",), "testapp.Nobody is not cached. There are: .*testapp.author,"),
    ],
)
def test_the_command_refuses(args, sentence):
    with pytest.raises(CommandError, match=sentence):
        command(*args)


def test_on_a_cluster_all_nodes_are_swept(cluster):
    authors = [Author.objects.create_one(email=f"{n}@x") for n in range(60)]
    Author.objects.get_some([author.pk for author in authors])
    Bookmark.objects.create(reader=READER, book=1)
    read_derived(READER)
    assert invalidate_all() == 64
    left = [key for node in cluster.nodes for key in node.client().scan_iter()]
    assert [key for key in left if b":proof:" not in key] == []  # these live for 1 ms


def test_the_test_helper_deletes_the_keys_of_this_database_alone(filled, ann):
    reset_cache()
    assert count("*") == 2, "the foreign ones"


def test_a_test_run_beside_a_site_leaves_its_entries(ann, settings):
    """The site has the same prefix and Redis, and another database."""
    Author.objects.get_one(ann.pk)
    database = rows_of(Author).key(ann.pk).split(":")[1]
    site = {
        key.decode().replace(f":{database}:", ":site:"): redis_client().get(key) for key in redis_client().scan_iter()
    }
    redis_client().mset(site)
    Author.objects.update_one(ann.pk, name="Zoe")
    invalidate_all()
    reset_cache()
    assert {key: redis_client().get(key) for key in site} == site

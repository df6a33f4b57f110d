"""Managers that filter: Django's base-manager semantics hold, and verbs answer what get() answers, or refuse."""

import datetime
import uuid

import pytest
from asgiref.sync import async_to_sync
from django.db import NotSupportedError
from django.db.models import Prefetch

from caching.testutils import redis_usage
from tests.zoo.models import Draft, Seal, Writer
from tests.zoo.models.managers import drafts_of
from tests.zoo.truth import Truth

GONE = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture
def ann():
    return Writer.objects.create(name="Ann")


@pytest.fixture
def bea():
    return Writer.objects.create(name="Bea")


@pytest.fixture
def kept(ann, bea):
    draft = Draft.objects.create(slug="kept", title="named", author=ann)
    draft.readers.add(ann)
    return draft


@pytest.fixture
def gone(bea):
    return Draft.all_objects.create(slug="gone", author=bea, deleted_at=GONE, level=2, is_open=False)


@pytest.fixture
def rows(kept, gone):
    for row in (kept, gone):  # entries
        Draft.all_objects.get_one(row.pk), Draft.all_objects.get_one(slug=row.slug)
    return kept, gone


# Writes past a filtering default manager.


def test_writes_of_rows_that_the_default_manager_leaves_out(rows, gone, ann):
    truth = Truth(lists=[drafts_of])
    gone.title = "saved"
    gone.save()
    assert Draft.all_objects.get_one(gone.pk).title == "saved"
    assert Draft.all_objects.filter(pk=gone.pk).update(title="updated", author=ann) == 1
    assert Draft.all_objects.get_one(gone.pk).title == "updated"
    assert Draft.objects.filter(pk=gone.pk).update(title="never") == 0
    assert Draft.all_objects.update_one(gone.pk, title="one").title == "one"
    with pytest.raises(Draft.DoesNotExist):
        Draft.objects.update_one(gone.pk, title="never")
    gone.refresh_from_db()
    assert gone.title == "one"
    assert truth.holds()
    gone.delete()
    assert Draft.all_objects.get_some([gone.pk]).missing == [gone.pk]
    assert truth.holds()


def test_deletions_reach_rows_that_the_default_manager_leaves_out(rows, gone, bea):
    bea.delete()
    assert Draft.all_objects.get_some([gone.pk]).missing == [gone.pk]


def test_related_writes_reach_rows_that_the_default_manager_leaves_out(rows, gone, ann):
    ann.drafts.add(gone)
    assert Draft.all_objects.get_one(gone.pk).author_id == ann.pk
    ann.translations.add(gone)
    assert Draft.all_objects.get_one(gone.pk).translator_id == ann.pk
    ann.delete()
    assert not Draft.all_objects.exists()
    assert Draft.all_objects.get_some([gone.pk]).missing == [gone.pk]


def test_the_base_manager_leaves_nothing_out_and_invalidates(rows, gone):
    assert Draft._base_manager.count() == 2
    assert Draft._base_manager.filter(pk=gone.pk).update(title="base") == 1
    assert Draft.all_objects.get_one(gone.pk).title == "base"
    assert (Draft._base_manager.name, Draft._default_manager.name) == ("_base_manager", "objects")


@pytest.mark.parametrize("name", ["full", "brief", "chained", "all_objects"])
def test_a_manager_that_does_not_filter_writes_as_any_other(rows, gone, name):
    manager = getattr(Draft, name)
    assert manager.filter(pk=gone.pk).update(title="x") == 1
    assert Draft.all_objects.get_one(gone.pk).title == manager.get_one(gone.pk).title == "x"
    assert manager.update_one(gone.pk, title="y").title == "y"
    assert manager.get_one(slug="gone").title == "y"
    assert Draft.chained.named("y").delete()[0] == 1


# Verbs.


def agree(manager, pk, **lookup):
    """Assert that all verbs answer a key as get() does; return whether there is a row."""
    expected = list(manager.filter(pk=pk))
    found = manager.get_some([pk])
    assert found.results == expected
    assert found.missing == ([] if expected else [pk])
    assert [row["id"] for row in manager.get_some_cols([pk], "id").results] == [row.pk for row in expected]
    for ask in (
        lambda: manager.get_one(pk),
        lambda: manager.get_one_cols(pk)["id"],
        lambda: manager.get_one(**lookup),
        lambda: async_to_sync(manager.aget_one)(pk),
        lambda: async_to_sync(manager.aget_one)(**lookup),
        lambda: async_to_sync(manager.aget_some)([pk]).results[0],
    ):
        if expected:
            assert ask() in (expected[0], pk)
        else:
            with pytest.raises((manager.model.DoesNotExist, IndexError)):
                ask()
    if not expected:
        with pytest.raises(manager.model.DoesNotExist):
            manager.update_one(pk, title="never")
    return bool(expected)


def test_verbs_of_a_filtering_manager(rows, kept, gone):
    assert agree(Draft.objects, kept.pk, slug="kept")
    assert not agree(Draft.objects, gone.pk, slug="gone")
    assert agree(Draft.open_ones, kept.pk, slug="kept")
    assert not agree(Draft.open_ones, gone.pk, slug="gone")
    assert not agree(Draft.nothing, kept.pk, slug="kept")
    assert agree(Draft.full, gone.pk, slug="gone")


def test_verbs_of_a_relation(rows, kept, gone, ann, bea):
    assert agree(ann.drafts, kept.pk, slug="kept")
    assert not agree(bea.drafts, kept.pk, slug="kept")
    assert not agree(bea.drafts, gone.pk, slug="gone")  # the default manager's filter
    assert agree(bea.drafts(manager="all_objects"), gone.pk, slug="gone")
    owner = Writer.objects.prefetch_related("drafts", Prefetch("translations", Draft.all_objects.all())).get(pk=ann.pk)
    assert agree(owner.drafts, kept.pk, slug="kept")
    assert ann.drafts.create_one(slug="new").author == ann
    assert ann.drafts.get_some([kept.pk, gone.pk]).missing == [gone.pk]


def test_verbs_of_a_generic_relation(ann, bea):
    seal = ann.seals.create_one(text="x")
    assert ann.seals.get_one(seal.pk) == seal == Seal.objects.get_one(seal.pk)
    for _ in range(2):
        with pytest.raises(Seal.DoesNotExist):
            bea.seals.get_one(seal.pk)
    assert bea.seals.get_some([seal.pk]).missing == [seal.pk]
    assert ann.seals.update_one(seal.pk, text="y").text == "y"
    with pytest.raises(Seal.DoesNotExist):
        bea.seals.update_one(seal.pk, text="z")


@pytest.mark.parametrize("name", ["named", "other_levels", "either", "anns", "secrets"])
def test_verbs_refuse_a_filter_that_a_row_cannot_answer(rows, kept, name):
    manager = getattr(Draft, name)
    for ask in (
        lambda: manager.get_one(kept.pk),
        lambda: manager.get_one(slug="kept"),
        lambda: manager.get_some([kept.pk]),
        lambda: manager.get_one_cols(kept.pk),
        lambda: manager.get_some_cols([kept.pk], "title"),
        lambda: async_to_sync(manager.aget_one)(kept.pk),
    ):
        with pytest.raises(NotSupportedError, match=rf"manager '{name}' of zoo.Draft .* read by get\(\)"):
            ask()
    if manager.filter(pk=kept.pk).exists():
        assert manager.update_one(kept.pk, level=1).pk == kept.pk


def test_verbs_refuse_a_many_to_many_relation(rows, kept, ann, bea):
    for ask in (lambda: ann.readings.get_one(kept.pk), lambda: kept.readers.get_some([ann.pk])):
        with pytest.raises(NotSupportedError, match=r"read by get\(\)"):
            ask()
    assert ann.readings.update_one(kept.pk, title="read").title == "read"
    with pytest.raises(Draft.DoesNotExist):
        bea.readings.update_one(kept.pk, title="x")
    assert kept.readers.create_one(name="Cid") in kept.readers.all()


def test_comparisons_of_uuids_and_dates(ann, kept):
    batch, due = uuid.uuid4(), datetime.date(2024, 2, 3)
    Draft.objects.filter(pk=kept.pk).update(batch=batch, due=due)

    class Manager(type(Draft.objects)):
        def get_queryset(self):
            return super().get_queryset().filter(**self.conditions)

    manager = Manager()
    manager.model, manager.name = Draft, "made"
    for conditions, expected in (
        ({"batch": batch}, True),
        ({"batch": str(batch)}, True),
        ({"batch": uuid.uuid4()}, False),
        ({"due": due}, True),
        ({"due": "2024-02-04"}, False),
        ({"batch__isnull": False, "translator__isnull": True}, True),
        ({"translator": None, "author_id": ann.pk}, True),
        ({"author": ann, "author__id": ann.pk}, True),
    ):
        manager.conditions = conditions
        assert agree(manager, kept.pk, slug="kept") == expected


def test_a_warm_verb_of_a_relation_is_one_command(rows, kept, ann, django_assert_num_queries):
    with django_assert_num_queries(0), redis_usage() as usage:
        assert ann.drafts.get_one(kept.pk) == kept
    assert (usage.round_trips, usage.commands) == (1, 1)


def test_an_owner_in_another_database():
    Writer.objects.create(pk=1, name="here")
    there = Writer.objects.using("other").create(pk=1, name="there")
    Draft.all_objects.create(pk=1, slug="x", title="here", author_id=1)
    Draft.all_objects.using("other").create(pk=1, slug="x", title="there", author_id=1)
    assert Draft.objects.get_one(1).title == "here"
    assert there.drafts.get_one(1).title == "there"
    assert there.drafts.get_one(slug="x").title == "there"
    assert Draft.objects.db_manager("other").get_one(1).title == "there"
    assert there.drafts.update_one(1, title="written")._state.db == "other"
    assert [Draft.objects.get_one(1).title, there.drafts.get_one(1).title] == ["here", "written"]

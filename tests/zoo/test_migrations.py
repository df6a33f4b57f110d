"""Migrations write by historical models, and `flush` by SQL: neither leaves an entry."""

import atexit

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from redis import ConnectionError as NoRedis

from caching import registry
from caching.models import PendingInvalidation
from caching.ops import rewritten
from caching.protocol.pending import apply_pending
from caching.redis.client import redis_client
from tests.zoo.models import Cafe, Place
from tests.zoo.models.inheritance import places_in
from tests.zoo.truth import Truth


@pytest.fixture
def truth(settings):
    settings.MIGRATION_MODULES = settings.MIGRATION_MODULES | {"zoo": "tests.zoo.rewriting"}
    Place.objects.create(sign="kept", street=1)
    Place.objects.create(sign="gone", street=1)
    Cafe.objects.create(sign="cafe", street=1)
    with pytest.raises(Place.DoesNotExist):
        Place.objects.get_one(sign="new")
    Place.objects.get_one(sign="kept")
    yield Truth(Place, Cafe, lists=[places_in])
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()  # where no test of this process has migrated yet
    recorder.migration_qs.filter(app="zoo").delete()


def migrate(to="0002", **options):
    call_command("migrate", "zoo", to, verbosity=0, interactive=False, **options)


def test_a_migration_s_writes_show(truth):
    migrate()
    assert Place.objects.get_one(sign="kept").house == 100
    assert Place.objects.get_one(sign="new").house == 3
    assert truth.holds()


def test_historical_models_know_nothing_of_the_cache(truth):
    state = pytest.importorskip("django.db.migrations.loader").MigrationLoader(connection).project_state()
    model = state.apps.get_model("zoo", "Place")
    assert not registry.heard(model)
    assert type(model._base_manager) is type(model.objects)


def test_a_migrate_that_does_nothing_deletes_nothing(truth):
    migrate()
    assert truth.holds()
    before = set(redis_client().scan_iter("*"))
    migrate()
    assert set(redis_client().scan_iter("*")) >= before


def test_a_migrate_that_fails_halfway_forgets_at_the_end_of_the_process(truth, monkeypatch):
    calls = []
    monkeypatch.setattr(atexit, "register", lambda call: calls.append(call) or call)
    with pytest.raises(RuntimeError, match="this migration fails"):
        migrate(to="0003")
    (at_exit,) = calls
    at_exit()
    assert truth.holds()


def test_entries_of_another_database_stay(truth):
    Place.objects.using("other").create(sign="there")
    Place.objects.db_manager("other").get_one(sign="there")
    before = [key for key in redis_client().scan_iter("*") if b"other" in key]
    migrate()
    assert before
    assert [key for key in redis_client().scan_iter("*") if b"other" in key] == before


def test_flush_leaves_no_entry(truth):
    call_command("flush", verbosity=0, interactive=False)
    assert truth.holds()
    assert not Place.objects.get_some(range(1, 9)).results


def test_without_redis_the_next_process_forgets(truth, monkeypatch):
    def fail(*args, **options):
        raise NoRedis

    with monkeypatch.context() as context:
        context.setattr(rewritten, "invalidate", fail)
        migrate()
    assert [row.key[-1] for row in PendingInvalidation.objects.all()] == ["*"]
    apply_pending("default")
    assert truth.holds()

"""Keys name the database that answers: by the router of the moment, by its name, and by PREFIX."""

import contextvars
import json
import sys

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction

from caching import databases
from caching.api import Batch, existence_of, redis_client
from caching.databases import key_prefix, name_of
from caching.entries.rows import rows_of
from caching.models import PendingInvalidation
from caching.protocol import steps
from caching.protocol.pending import apply_pending
from caching.redis.client import round_trip
from caching.redis.failures import Unavailable
from devtools.programs import output_of
from tests.zoo.models import Category, Person, Rating, Subscription, Ware, newest_subscribers, stars, subscriptions

tenant = contextvars.ContextVar("tenant", default="default")


class ByContext:
    """A router of tenants."""

    def db_for_read(self, model, **hints):
        return tenant.get()

    db_for_write = db_for_read

    def allow_relation(self, *_, **__):
        return True


@pytest.fixture
def tenants(settings):
    settings.DATABASE_ROUTERS = [f"{__name__}.ByContext"]
    tenant.set("default")
    yield ["default", "other"]
    tenant.set("default")


def ask(question):
    batch = Batch()
    batch.add(question)
    batch.run()
    return question.result


@pytest.fixture
def rows(tenants):
    """Rows of the same keys in two databases, with other contents."""
    made = {}
    for alias in tenants:
        tenant.set(alias)
        people = [Person.objects.create(pk=number, name=f"{alias} {number}") for number in (1, 2)]
        Category.objects.create(pk=1, slug="same", name=alias)
        ware = Ware.objects.create(**ware_fields())
        Rating.objects.create(pk=1, person=people[0], ware=ware, stars=5 if alias == "other" else 1)
        if alias == "other":
            Subscription.objects.create(pk=1, reader=people[0], writer=people[1])
        made[alias] = ware
    tenant.set("default")
    return made


def ware_fields():
    from tests.zoo.values import Maker

    fields = Maker(700).fields(Ware)
    return fields | {"id": 1}


def everything():
    category = Category.objects.get_one(1)
    batch = Batch()
    some, there = batch.rows(Category, [1]), batch.add(existence_of(Category).among([1]))
    batch.run()
    return (
        category.name, category._state.db, Category.objects.get_one(slug="same").name,
        Category.objects.get_one_cols(1, "name")["name"], some.instance(1).name, there.result.results,
        ask(subscriptions.among(1, [2])), ask(newest_subscribers.of(2)), ask(stars.of(1, [1])),
    )  # fmt: skip


EXPECTED = {
    "default": ("default", "default", "default", "default", "default", [1], {2: False}, [], {1: 1}),
    "other": ("other", "other", "other", "other", "other", [1], {2: True}, [1], {1: 5}),
}


def test_each_tenant_reads_its_own(rows, django_assert_num_queries):
    for _ in range(2):
        for alias in ("default", "other", "default"):
            tenant.set(alias)
            assert everything() == EXPECTED[alias]
    for alias in EXPECTED:
        tenant.set(alias)
        with django_assert_num_queries(0, using="default"), django_assert_num_queries(0, using="other"):
            assert everything() == EXPECTED[alias]


def test_a_question_belongs_to_the_tenant_who_asked(rows):
    for _ in range(2):
        batch, asked = Batch(), []
        for alias in EXPECTED:
            tenant.set(alias)
            asked.append(
                (
                    batch.rows(Category, [1]), batch.add(existence_of(Category).among([1, 2])),
                    batch.add(subscriptions.among(1, [2])), batch.add(newest_subscribers.of(2)),
                    batch.add(stars.of(1, [1])),
                )
            )  # fmt: skip
        tenant.set("default")
        batch.run()
        found = [(rows.instance(1).name, *(each.result for each in others)) for rows, *others in asked]
        assert found == [
            ("default", ([1], [2]), {2: False}, [], {1: 1}), ("other", ([1], [2]), {2: True}, [1], {1: 5})
        ]  # fmt: skip


def test_the_event_loop_s_plan_belongs_to_the_tenant_who_asked(rows):
    tenant.set("other")
    everything()
    batch = Batch()
    asked = batch.rows(Category, [1]), batch.add(subscriptions.among(1, [2]))
    tenant.set("default")
    assert batch.resolve(round_trip(batch.commands()))
    assert (asked[0].instance(1).name, asked[1].result) == ("other", {2: True})


@pytest.mark.parametrize("writer", ["context", "using"])
def test_a_write_is_heard_in_the_database_that_it_is_made_in(rows, writer):
    for alias in EXPECTED:
        tenant.set(alias)
        everything()
    tenant.set("other" if writer == "context" else "default")
    using = {} if writer == "context" else {"using": "other"}
    Category(pk=1, slug="new", name="changed").save(**using)
    Category.objects.using("other").filter(pk=1).update(name="changed twice")
    Subscription.objects.using("other").all().delete()
    Rating.objects.using("other").filter(pk=1).update(stars=None)
    tenant.set("other")
    assert Category.objects.get_one(1).name == Category.objects.get_one(slug="new").name == "changed twice"
    with pytest.raises(Category.DoesNotExist):
        Category.objects.get_one(slug="same")
    assert (ask(subscriptions.among(1, [2])), ask(newest_subscribers.of(2))) == ({2: False}, [])
    assert ask(stars.of(1, [1])) == {1: None}
    tenant.set("default")
    assert everything() == EXPECTED["default"]


def test_verbs_of_a_manager_of_a_database(rows):
    for _ in range(2):
        assert Category.objects.db_manager("other").get_one(1).name == "other"
        assert Category.objects.db_manager("other").get_one(slug="same").name == "other"
        assert Category.objects.db_manager("other").get_some_cols([1], "name").results == [{"name": "other"}]
        assert Category.objects.get_one(1).name == "default"
    Category.objects.db_manager("other").update_one(1, name="new")
    assert Category.objects.db_manager("other").get_one(1).name == "new"
    assert Category.objects.get_one(1).name == "default"
    Category.objects.db_manager("other").drop_entry("1")
    assert "absent" in Category.objects.db_manager("other").cache_entry("1")
    assert "has a value" in Category.objects.cache_entry("1")


class ByInstance(ByContext):
    def db_for_read(self, model, instance=None, **hints):
        return instance._state.db if instance is not None else tenant.get()

    db_for_write = db_for_read


def test_hydrate_stays_in_the_database_of_the_instances(rows, settings):
    settings.DATABASE_ROUTERS = [f"{__name__}.ByInstance"]
    ratings = [Rating.objects.using(alias).get(pk=1) for alias in EXPECTED]
    Rating.objects.hydrate(ratings, "person")
    assert [each._state.fields_cache["person"].name for each in ratings] == ["default 1", "other 1"]
    settings.DATABASE_ROUTERS = []
    ratings = [Rating.objects.using(alias).get(pk=1) for alias in EXPECTED]
    Rating.objects.hydrate(ratings, "person")
    assert [each._state.fields_cache["person"].name for each in ratings] == ["default 1", "other 1"]


def test_a_write_while_redis_is_away_names_its_database(rows, monkeypatch):
    tenant.set("other")
    assert Category.objects.get_one(1).name == "other"

    def away(*_, **__):
        raise Unavailable

    monkeypatch.setattr(steps, "hold", away)
    with transaction.atomic("other"):
        Category.objects.using("other").filter(pk=1).update(name="new")
        keys = set(PendingInvalidation.objects.using("other").values_list("key", flat=True))
    monkeypatch.undo()
    assert rows_of(Category, "other").key(1) in keys
    assert rows_of(Category, "default").key(1) not in keys
    apply_pending("other")
    assert Category.objects.get_one(1).name == "new"


# Names of databases in keys.


@pytest.fixture
def aliases(monkeypatch):
    """Declare more databases; nothing connects to them."""

    def add(**given):
        base = {"TEST": {"MIRROR": None}, "OPTIONS": {}, "HOST": "", "PORT": "", "TIME_ZONE": None}
        for alias, settings in given.items():
            engine = "django.db.backends.sqlite3"
            monkeypatch.setitem(connections.settings, alias, base | {"ENGINE": engine} | settings)
        databases._known.clear()
        return [name_of(alias) for alias in given]

    yield add
    for alias in "abcdefgh":
        if hasattr(connections._connections, alias):
            del connections[alias]
    databases._known.clear()


def test_names_tell_databases_apart(aliases):
    names = aliases(
        a={"NAME": "/srv/a/db.sqlite3"}, b={"NAME": "/srv/b/db.sqlite3"}, c={"NAME": "/srv/a/../a/db.sqlite3"},
        d={"NAME": ":memory:"}, e={"NAME": ":memory:"}, f={"NAME": "file:x?mode=memory&cache=shared"},
        g={"NAME": "/x", "TEST": {"MIRROR": "a"}}, h={"NAME": "/srv/a/" + "long" * 50},
    )  # fmt: skip
    assert names[0] == names[2] == names[6]
    assert len(set(names)) == 6
    assert names[0].startswith("db.")
    assert max(map(len, names)) <= 36


POSTGRES = {"ENGINE": "django.db.backends.postgresql", "HOST": "h1", "PORT": 5432, "NAME": "shop"}


@pytest.mark.skipif(connections["default"].vendor != "postgresql", reason="needs PostgreSQL's library")
def test_names_of_servers_databases(aliases):
    schema = {"OPTIONS": {"options": "-c search_path=t1,public -c statement_timeout=9"}}
    names = aliases(
        a=POSTGRES, b=POSTGRES | {"HOST": "h2"}, c=POSTGRES | {"PORT": "5432"}, d=POSTGRES | {"NAME": "a:b {c}*"},
        e=POSTGRES | {"HOST": "h3", "TEST": {"MIRROR": "a"}}, f=POSTGRES | schema,
        g=POSTGRES | {"OPTIONS": {"options": "-c statement_timeout=1"}}, h=POSTGRES | {"HOST": "h2", "USER": "x"},
    )  # fmt: skip
    assert names == [
        "shop", "shop%40b", "shop", "a%3Ab%20%7Bc%7D%2A", "shop", "shop%40t1%2Cpublic", "shop", "shop%40b",
    ]  # fmt: skip


def test_the_check_tells_of_databases_that_may_be_one(monkeypatch):
    other = {**connections.settings["default"], "HOST": "elsewhere", "PORT": "1"}
    monkeypatch.setitem(connections.settings, "second", other)
    try:
        found = [each for each in checks.run_checks(databases=["default"]) if each.id == "caching.W011"]
        assert "'default' and 'second' have the same NAME at different addresses" in found[0].msg
        assert "set TEST={\"MIRROR\": 'default'} on 'second'" in found[0].hint
        monkeypatch.setitem(connections.settings["second"], "TEST", {"MIRROR": "default"})
        assert not [each for each in checks.run_checks(databases=["default"]) if each.id == "caching.W011"]
    finally:
        monkeypatch.undo()
        databases._known.clear()


def test_a_test_run_beside_a_site_shares_no_entry():
    """Test runners change NAME in the dict of settings; the keys follow at once."""
    Category.objects.create(pk=1, slug="a", name="site")
    Category.objects.get_one(1)
    before, settings = rows_of(Category).key(1), connections["default"].settings_dict
    name = settings["NAME"]
    try:
        settings["NAME"] = "test_of_another"
        assert rows_of(Category).key(1) != before
        assert subscriptions.key_prefix() != subscriptions.key_prefix().replace("test_of_another", "")
        renamed = key_prefix("default")
    finally:
        settings["NAME"] = name
    assert rows_of(Category).key(1) == before
    assert renamed not in before


def test_every_process_names_a_database_alike():
    script = (
        "import django, json; django.setup()\n"
        "from caching.databases import key_prefix\n"
        "print(json.dumps([key_prefix('default'), key_prefix('other')]))"
    )
    told = output_of([sys.executable, "-c", script], timeout=60)
    assert json.loads(told) == [key_prefix("default"), key_prefix("other")]


# PREFIX.


@pytest.fixture
def prefixes(settings):
    """Tenants in schemas, told apart by PREFIX."""
    names = {"default": "one", "other": "a:b {c}*é" * 9}
    settings.CACHING = {"PREFIX": lambda: names[tenant.get()]}
    tenant.set("default")
    yield names
    tenant.set("default")


def test_a_prefix_may_be_a_function(prefixes, django_assert_num_queries):
    Category.objects.create(pk=1, slug="a", name="old")
    for alias in EXPECTED:
        tenant.set(alias)
        assert Category.objects.get_one(1).name == Category.objects.get_one(slug="a").name == "old"
        with django_assert_num_queries(0):
            assert Category.objects.get_one(1).name == Category.objects.get_one(slug="a").name == "old"
    keys = [key.decode() for key in redis_client().scan_iter(match="*:zoo.category:*")]
    assert len(keys) == 4
    assert sum(key.startswith("one:") for key in keys) == 2
    assert max(map(len, keys)) < 250
    Category.objects.update_one(1, name="new")  # by the second tenant, who has a row of his own in truth
    assert Category.objects.get_one(1).name == "new"
    tenant.set("default")
    assert Category.objects.get_one(1).name == "old"


def test_a_batch_is_not_loaded_for_another_tenant(prefixes):
    Category.objects.create(pk=1, slug="a", name="old")
    batch = Batch()
    batch.rows(Category, [1])
    tenant.set("other")
    with pytest.raises(ImproperlyConfigured, match="asked for one tenant and run for another"):
        batch.run()
    tenant.set("default")
    Category.objects.get_one(1)
    batch = Batch()
    rows = batch.rows(Category, [1])
    tenant.set("other")
    batch.run()  # a hit is the first tenant's
    assert rows.instance(1).name == "old"


@pytest.mark.parametrize("prefix", ["", None, "two words", "x" * 49, 7, lambda: "", lambda: None, lambda: 7])
def test_a_prefix_that_is_no_prefix_is_refused(settings, prefix):
    settings.CACHING = {"PREFIX": prefix}
    with pytest.raises(ImproperlyConfigured, match="must be a text of 1 to 48 characters"):
        Category.objects.get_one(1)

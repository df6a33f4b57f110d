"""Models of other packages, cached by CACHING["MODELS"]: auth.User and auth.Group."""

import pickle

import pytest
from django.apps import apps
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import Group, User, UserManager
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, models, transaction
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState
from django.test import override_settings
from django.test.utils import isolate_apps

from caching.api import CachedManager, CachedModel, redis_client
from caching.orm.by_settings import cache_model
from caching.testutils import redis_usage
from tests.zoo.models import Magazine, MagazineQuerySet, Staff, Teacher

pytestmark = pytest.mark.any_database

SECRETS = (b"md5$", b"s3cret")


@pytest.fixture
def ann(db):
    return User.objects.create_user("ann", "ann@example.com", "s3cret")


def test_verbs_and_what_they_cost(ann, django_assert_num_queries):
    User.objects.get_one(ann.pk), User.objects.get_one(username="ann")
    with django_assert_num_queries(0), redis_usage() as usage:
        user = User.objects.get_one(ann.pk)
    assert (user, usage.round_trips, usage.commands) == (ann, 1, 1)
    with django_assert_num_queries(0):
        assert User.objects.get_one(username="ann") == ann
    assert user.get_deferred_fields() == {"password", "last_login"}
    with pytest.raises(ValueError, match="read from the cache"):
        user.save()


def test_no_secret_is_in_redis(ann):
    assert authenticate(username="ann", password="s3cret") == ann
    User.objects.get_one(ann.pk), User.objects.get_one(username="ann")
    entries = [redis_client().get(key) for key in redis_client().scan_iter()]
    assert len(entries) >= 2
    assert not [entry for entry in entries for secret in SECRETS if secret in entry]


@pytest.mark.parametrize(
    "write",
    [
        lambda user: User.objects.filter(pk=user.pk).update(first_name="new"),
        lambda user: setattr(user, "first_name", "new") or user.save(),
        lambda user: setattr(user, "first_name", "new") or user.save(update_fields=["first_name"]),
        lambda user: setattr(user, "first_name", "new") or User.objects.bulk_update([user], ["first_name"]),
        lambda user: User.objects.update_one(user.pk, first_name="new"),
        lambda user: User.objects.update_or_create(username="ann", defaults={"first_name": "new"}),
        lambda user: Staff.objects.filter(pk=user.pk).update(first_name="new"),
        lambda user: Staff(pk=user.pk, username="ann", first_name="new", is_staff=True).save(force_update=True),
        lambda user: Group.objects.get().user_set.update(first_name="new"),
        lambda user: User._base_manager.filter(pk=user.pk).update(first_name="new"),
    ],
)
def test_every_write_shows_at_once(ann, write):
    Group.objects.create(name="all").user_set.add(ann)
    User.objects.get_one(ann.pk)
    write(ann)
    assert User.objects.get_one(ann.pk).first_name == "new"
    assert User.objects.get_one_cols(ann.pk, "first_name") == {"first_name": "new"}


def test_deletions_and_new_names_show_at_once(ann):
    for name in ("bea", "ann"):
        with pytest.raises(User.DoesNotExist) if name == "bea" else transaction.atomic():
            User.objects.get_one(username=name)
    User.objects.update_one(ann.pk, username="bea")
    assert User.objects.get_one(username="bea") == ann
    ann.delete()
    assert User.objects.get_some([ann.pk]).missing == [ann.pk]
    cid = User.objects.create_superuser("cid", password="x")
    assert User.objects.get_one(username="cid") == cid
    User.objects.all().delete()
    with pytest.raises(User.DoesNotExist):
        User.objects.get_one(cid.pk)


def test_a_log_in_invalidates_nothing(ann, client):
    User.objects.get_one(ann.pk)
    entries = {key: redis_client().get(key) for key in redis_client().scan_iter()}
    assert client.login(username="ann", password="s3cret")
    assert {key: redis_client().get(key) for key in redis_client().scan_iter()} == entries
    ann.refresh_from_db()
    assert ann.last_login is not None


def test_the_admin_edits_users(ann, admin_client, django_assert_num_queries):
    User.objects.get_one(ann.pk)
    page = admin_client.get(f"/admin/auth/user/{ann.pk}/change/")
    form = page.context["adminform"].form
    data = {name: value for name, value in form.initial.items() if value is not None and name != "password"}
    data |= {
        "first_name": "new",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00",
        "groups": [],
        "user_permissions": [],
    }
    assert admin_client.post(f"/admin/auth/user/{ann.pk}/change/", data).status_code == 302
    assert User.objects.get_one(ann.pk).first_name == "new"
    chosen = {"action": "delete_selected", "_selected_action": [ann.pk], "post": "yes"}
    assert admin_client.post("/admin/auth/user/", chosen).status_code == 302
    assert User.objects.get_some([ann.pk]).missing == [ann.pk]


def test_proxies_children_and_groups(ann):
    teacher = Teacher.objects.create(username="tea", subject="maths")
    assert User.objects.get_one(teacher.pk).username == "tea"
    assert Teacher.objects.get_one(teacher.pk).subject == "maths"
    User.objects.update_one(teacher.pk, username="tee")
    assert Teacher.objects.get_one(username="tee").pk == teacher.pk
    Teacher.objects.filter(pk=teacher.pk).update(username="too", subject="art")
    assert User.objects.get_one(teacher.pk).username == "too"
    group = Group.objects.create(name="all")
    assert Group.objects.get_one(name="all") == group
    assert list(Group.objects.get_by_natural_key("all").user_set.all()) == []


def test_managers_are_what_they_were_and_more():
    assert get_user_model() is User
    assert isinstance(User.objects, UserManager)
    assert isinstance(User.objects, CachedManager)
    assert issubclass(User, CachedModel)
    assert User._default_manager is User.objects
    assert [manager.name for manager in User._meta.managers] == ["objects"]
    assert [manager.name for manager in Staff._meta.managers] == ["objects", "staff"]
    assert Staff._default_manager.name == "objects"
    assert list(User.objects.none().filter(pk=1)) == []


@pytest.mark.parametrize("manager", ["every", "live"])
def test_managers_and_querysets_keep_their_own_ways(manager):
    objects = getattr(Magazine, manager)
    assert Magazine._default_manager.name == "every"
    issue = Magazine.every.create(title="One")
    read = Magazine.every.get_one_cols
    read(issue.pk)
    assert objects.titled("One").update(title="Two") == 1 if manager == "every" else objects.update(title="Two") == 1
    assert read(issue.pk, "title", "revision") == {"title": "Two", "revision": 1}
    objects.all().delete()
    assert read(issue.pk, "is_deleted", "revision") == {"is_deleted": True, "revision": 2}
    assert Magazine.every.get_one(title="Two") == issue
    assert type(pickle.loads(pickle.dumps(objects.all()))) is type(objects.all())  # noqa: S301
    assert isinstance(objects.all(), MagazineQuerySet)


def test_a_queryset_of_it_can_be_pickled(ann):
    rows = pickle.loads(pickle.dumps(User.objects.filter(pk=ann.pk)))  # noqa: S301
    assert list(rows) == [ann]
    assert type(rows) is type(User.objects.all())


def test_migrations_see_no_change():
    with override_settings(MIGRATION_MODULES={"zoo": None}):
        loader = MigrationLoader(None)
        now = ProjectState.from_apps(apps)
        changes = MigrationAutodetector(loader.project_state(), now).changes(loader.graph, trim_to_apps={"auth"})
    assert "auth" not in changes
    ((name, manager),) = ModelState.from_model(User).managers
    assert (name, manager.deconstruct()[1]) == ("objects", "django.contrib.auth.models.UserManager")
    assert manager == UserManager()
    assert UserManager() == manager
    assert manager != Group.objects
    historical = loader.project_state().apps.get_model("auth", "User")
    assert not issubclass(historical, CachedModel)


def test_fixtures(ann, tmp_path):
    User.objects.get_one(ann.pk)
    call_command("dumpdata", "auth.User", output=str(tmp_path / "users.json"), verbosity=0)
    User.objects.update_one(ann.pk, first_name="changed")
    User.objects.get_one(ann.pk)
    call_command("loaddata", str(tmp_path / "users.json"), verbosity=0)
    assert User.objects.get_one(ann.pk).first_name == ""


@isolate_apps("tests.zoo")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"ttl": 60}, "has no option 'ttl': there are ttl_s, negative_ttl_s, never, lookups, since"),
        (600, "needs a dict of options, and not 600"),
        ({"never": "password"}, "takes names of columns"),
    ],
)
def test_wrong_options_are_refused(options, sentence):
    class Gadget(models.Model):
        class Meta:
            app_label = "zoo"

    with pytest.raises(ImproperlyConfigured, match=sentence):
        cache_model(Gadget, options)


@isolate_apps("tests.zoo")
def test_proxies_and_cached_models_are_refused():
    class Gadget(models.Model):
        class Meta:
            app_label = "zoo"

    class GadgetProxy(Gadget):
        class Meta:
            app_label = "zoo"
            proxy = True

    with pytest.raises(ImproperlyConfigured, match=r"is a proxy: name zoo\.Gadget, whose rows it shows"):
        cache_model(GadgetProxy, {})
    with pytest.raises(ImproperlyConfigured, match=r"is a CachedModel already"):
        cache_model(User, {})


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        ("auth.Usr", "names 'auth.Usr', which is no model of INSTALLED_APPS"),
        ("User", "names 'User', which is no model"),
    ],
)
def test_an_unknown_label_is_refused(settings, label, sentence):
    settings.CACHING = {"MODELS": {label: {}}}
    with pytest.raises(ImproperlyConfigured, match=sentence):
        apps.get_app_config("caching").ready()


def test_sql_by_hand_is_mended_by_invalidate(ann):
    User.objects.get_one(ann.pk)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE auth_user SET first_name = 'new' WHERE id = %s", [ann.pk])
    assert User.objects.get_one(ann.pk).first_name == ""
    assert User.objects.invalidate() == 1
    assert User.objects.get_one(ann.pk).first_name == "new"

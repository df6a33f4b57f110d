"""Shapes of models whose writes the cache would not hear are refused by `manage.py check`, in a sentence."""

import pytest
from django.core.checks import run_checks
from django.db import models
from django.db.models.deletion import CASCADE, DO_NOTHING
from django.test.utils import isolate_apps

from caching import registry
from caching.api import CachedManager, CachedModel, EdgeModel, IdList, IdSet


@pytest.fixture(autouse=True)
def isolated(monkeypatch):
    """Models that a test declares are none of the project's."""
    monkeypatch.setattr(registry, "_models", list(registry._models))
    monkeypatch.setattr(registry, "_declarations", {model: [*each] for model, each in registry._declarations.items()})
    with isolate_apps("tests.zoo"):
        yield
    monkeypatch.undo()
    registry.heard.cache_clear()


def found(*ids):
    """Return {class or field: (check, sentence, hint)} of the checks of this part."""
    registry.heard.cache_clear()
    messages = [each for each in run_checks() if each.id in (ids or ("caching.E001", *DEAF))]
    return {each.obj: (each.id, each.msg, each.hint) for each in messages}


DEAF = ("caching.E030", "caching.E031", "caching.E032")


class KeptManager(CachedManager):
    def get_queryset(self):
        return super().get_queryset().filter(deleted=False)


def test_the_zoo_passes():
    assert not found()


def test_a_plain_manager_of_a_cached_model_its_proxy_or_an_edge():
    class Plain(CachedModel):
        deaf = models.Manager()

    class Proxied(CachedModel):
        pass

    class Proxy(Proxied):
        objects = models.Manager()

        class Meta:
            proxy = True

    class Edge(EdgeModel):
        objects = models.Manager()
        one = models.IntegerField()
        two = models.IntegerField()

        class Meta:
            constraints = [models.UniqueConstraint(fields=["one", "two"], name="edge_once")]

    IdSet(Edge, owner="one", member="two")
    answers = found()
    assert set(answers) == {Plain, Proxy, Edge}
    assert answers[Plain] == (
        "caching.E001",
        "The manager 'deaf' of a cached model does not invalidate what it writes.",
        "Derive it from caching.api.CachedManager, and the model from CachedModel (or EdgeModel).",
    )


def test_a_list_of_a_plain_model_and_of_a_relation_s_own_table():
    class Tag(models.Model):
        pass

    class Post(models.Model):
        tags = models.ManyToManyField(Tag)
        author = models.IntegerField()

    IdList(Post, owner="author", newest=3)
    IdSet(Post.tags.through, owner="post", member="tag")
    assert {each[0] for each in found().values()} == {"caching.E001"}
    assert set(found()) == {Post, Post.tags.through}


def test_a_base_manager_that_leaves_rows_out():
    class Kept(CachedModel):
        deleted = models.BooleanField(default=False)
        objects = KeptManager()
        everything = CachedManager()

        class Meta:
            base_manager_name = "objects"

    class Good(CachedModel):
        deleted = models.BooleanField(default=False)
        objects = KeptManager()
        everything = CachedManager()

        class Meta:
            base_manager_name = "everything"

    assert found() == {
        Kept: (
            "caching.E030",
            "The base manager 'objects' leaves rows out, so that Django itself cannot save them.",
            "Take base_manager_name out of Meta: a cached model has an unfiltered base manager of its own.",
        )
    }
    assert Good._base_manager.name == "everything"


def test_a_parent_that_is_not_cached():
    class Thing(models.Model):
        name = models.CharField(max_length=9)

    class Chair(Thing, CachedModel):
        legs = models.IntegerField()
        objects = CachedManager()

    class Stool(Chair):
        pass

    assert found() == {
        Thing: (
            "caching.E031",
            "zoo.Chair is cached and has columns of zoo.Thing, whose writes nobody hears.",
            "Derive zoo.Thing from caching.api.CachedModel too, or make it abstract.",
        )
    }


class DatabaseOnDelete:
    """As in Django 6.1."""

    def __init__(self, name):
        self.__name__ = name

    __call__ = DO_NOTHING

    def on_delete_sql(self, schema_editor):
        return "CASCADE"

    def __str__(self):
        return self.__name__


def test_deletion_by_the_database():
    def DB_SET_NULL(collector, field, sub_objs, using):  # noqa: N802  as in other libraries
        pass

    class Owner(models.Model):
        pass

    class Owned(CachedModel):
        by_python = models.ForeignKey(Owner, CASCADE, related_name="+")
        by_database = models.ForeignKey(Owner, DatabaseOnDelete("DB_CASCADE"), related_name="+")

    class Edge(EdgeModel):
        one = models.ForeignKey(Owner, DB_SET_NULL, null=True, related_name="+")
        two = models.IntegerField()

        class Meta:
            constraints = [models.UniqueConstraint(fields=["one", "two"], name="edge_once")]

    class Unheard(models.Model):
        to_cached = models.ForeignKey(Owned, DatabaseOnDelete("DB_CASCADE"), related_name="+")

    IdSet(Edge, owner="one", member="two")
    answers = found()
    assert set(answers) == {Owned._meta.get_field("by_database"), Edge._meta.get_field("one")}
    assert answers[Owned._meta.get_field("by_database")] == (
        "caching.E032",
        "The database deletes or changes rows by 'by_database' (on_delete=DB_CASCADE), and nobody tells the cache.",
        "Use CASCADE, SET_NULL or SET_DEFAULT of Django: what they write is invalidated.",
    )

"""Django's system check refuses a cached model whose manager would write without invalidation."""

from django.core.checks import run_checks
from django.db import models
from django.test.utils import isolate_apps

from caching import registry
from caching.orm.models import CachedModel


def test_a_plain_manager_on_a_cached_model_is_an_error(monkeypatch):
    monkeypatch.setattr(registry, "_models", list(registry._models))
    monkeypatch.setattr(registry, "_declarations", dict(registry._declarations))
    with isolate_apps("tests.testapp"):

        class Careless(CachedModel):
            objects = models.Manager()

            class Meta(CachedModel.Meta):
                app_label = "testapp"

    found = [error for error in run_checks() if error.id == "caching.E001"]
    assert {error.obj for error in found} == {Careless}
    registry.heard.cache_clear()


def test_the_models_of_the_project_pass():
    assert not [error for error in run_checks() if error.id == "caching.E001"]

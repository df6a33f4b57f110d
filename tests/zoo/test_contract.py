"""For every cached model of the zoo, every column and every way to write: the cache answers as the database does."""

import os
import random

import pytest
from django.core import checks
from django.core.exceptions import ObjectDoesNotExist
from django.db import NotSupportedError, connection, models

from tests.zoo.questions import WAITING, Seen, admitted, differences, fill, is_cached, relatives, shown, zoo_models
from tests.zoo.values import Maker
from tests.zoo.verbs import VERBS, Scene

MODELS = zoo_models(waiting=True)
# What a verb may say of a model, by its documentation, instead of writing.
REFUSALS = (NotSupportedError, ObjectDoesNotExist, models.ProtectedError, models.RestrictedError)

# In CI each database takes a third of the verbs of each model, otherwise all of them.
THIRDS = {"sqlite": 0, "mysql": 1, "postgresql": 2} if os.environ.get("CI") == "true" else {}


@pytest.fixture(
    params=[
        pytest.param(
            model, id=name, marks=[pytest.mark.xfail(strict=True, reason=WAITING[name])] if name in WAITING else []
        )
        for model in MODELS
        for name in [model.__name__]
    ]
)
def model(request):
    return request.param


def test_the_zoo_passes_the_system_checks():
    assert [each for each in checks.run_checks(databases=["default"]) if each.level >= checks.ERROR] == []


def test_reads_as_the_database_does(model):
    maker, seen = Maker(), Seen([model])
    for _ in range(12):
        maker.create(model)
    absent = maker.new(model)
    if absent.pk is not None:
        seen.note(model, absent.pk)
    assert differences(seen, times=3) == []
    for row in admitted(model) if is_cached(model) else ():
        assert shown(model.objects.get_one(row.pk)) == shown(row)


def verbs_for(model):
    third, first = THIRDS.get(connection.vendor), MODELS.index(model)
    return [each for at, each in enumerate(VERBS.items(), first) if third is None or at % 3 == third]


def test_every_way_to_write(model):
    scene, seen = Scene(Maker(), random.Random(1)), Seen(relatives(model), most=4)
    found = []
    for name, verb in verbs_for(model):
        scene.maker.create(model)
        fill(seen)
        try:
            verb(scene, model)
        except REFUSALS:
            pass
        except Exception as error:
            found.append(f"{name} raised {type(error).__name__}: {error}")
        found += [f"after {name}: {each}" for each in differences(seen)]
    assert found == []

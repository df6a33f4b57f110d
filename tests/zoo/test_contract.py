"""For every cached model of the zoo, every column and every way to write: the cache answers as the database does."""

import random

import pytest
from django.core import checks

from tests.zoo.contract import MODELS, REFUSALS, verbs_for
from tests.zoo.questions import WAITING, Seen, admitted, differences, fill, is_cached, relatives, shown
from tests.zoo.values import Maker
from tests.zoo.verbs import Scene


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

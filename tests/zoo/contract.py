"""The models of the zoo, and the ways to write each, for those who try all of them."""

import os
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import NotSupportedError, connection, models

from tests.zoo.questions import zoo_models
from tests.zoo.verbs import VERBS

MODELS = zoo_models(waiting=True)
# What a verb may say of a model, by its documentation, instead of writing.
REFUSALS = (NotSupportedError, ObjectDoesNotExist, models.ProtectedError, models.RestrictedError)

# In CI each database takes a third of the verbs of each model, otherwise all of them.
THIRDS = {"sqlite": 0, "mysql": 1, "postgresql": 2} if os.environ.get("CI") == "true" else {}


def verbs_for(model: Any) -> list[tuple[str, Callable[..., Any]]]:
    third, first = THIRDS.get(connection.vendor), MODELS.index(model)
    return [each for at, each in enumerate(VERBS.items(), first) if third is None or at % 3 == third]

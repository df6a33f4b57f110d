"""What verbs make of the answers of a batch."""

from collections.abc import Mapping
from typing import Any, TypeVar

from ..entries.source import Found

T = TypeVar("T")


def check_one_question(pk: Any, lookup: Mapping[str, Any]) -> None:
    """Raise TypeError unless there is a primary key or one unique lookup."""
    if (pk is None) == (not lookup) or len(lookup) > 1:
        raise TypeError("get_one() takes a primary key or one unique lookup.")


def only(model: Any, found: Found[T]) -> T:
    """Return the one result; raises DoesNotExist if there is none."""
    if not found.results:
        raise does_not_exist(model)
    return found.results[0]


def does_not_exist(model: Any) -> Exception:
    """Return the exception that `get()` raises."""
    error: Exception = model.DoesNotExist(f"{model._meta.object_name} does not exist.")
    return error

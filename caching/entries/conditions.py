"""Conditions that admit rows to an id list: comparisons of a model's own columns with constants."""

import datetime
import decimal
import enum
import uuid
from typing import Any

from django.db.models import F, Q
from django.db.models.constants import LOOKUP_SEP

from ..columns import references
from ..faults import field_of

_CONSTANTS = (int, float, str, bytes, decimal.Decimal, datetime.date, datetime.time, datetime.timedelta, uuid.UUID)


def fault_of_condition(model: Any, condition: Q) -> str | None:
    """Return why the cache would not hear of all that changes a condition's answer; None if it would."""
    for name in references(condition):
        if name != "pk" and field_of(model, name) is None:
            return f"looks at {name!r}, which is no column of the model"
    return next((fault for each in condition.children if (fault := _fault_of(model, each))), None)


def _fault_of(model: Any, child: Any) -> str | None:
    if isinstance(child, Q):
        return next((fault for each in child.children if (fault := _fault_of(model, each))), None)
    if not isinstance(child, tuple):
        return f"has {child!r}, which may look at other tables, or at the time"
    path, value = child
    column, *steps = path.split(LOOKUP_SEP)
    field = model._meta.pk if column == "pk" else field_of(model, column)
    if (
        field.is_relation
        and steps
        and steps[0] not in ("pk", field.target_field.name)
        and not field.get_lookup(steps[0])
    ):
        return f"looks at {path!r}, a column of another table"
    return None if _is_constant(value) else f"compares {path!r} with {value!r}, which is no constant"


def _is_constant(value: Any) -> bool:
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_constant, value))
    return value is None or isinstance(value, (*_CONSTANTS, enum.Enum)) or type(value) is F


def canonical(condition: Any) -> Any:
    """Return nested tuples that are equal for equal conditions, in every process."""
    if isinstance(condition, Q):
        return (condition.connector, condition.negated, *map(canonical, condition.children))
    if isinstance(condition, list | tuple):
        return tuple(map(canonical, condition))
    if isinstance(condition, set | frozenset):
        return ("set", *sorted(map(repr, map(canonical, condition))))
    return canonical(condition.value) if isinstance(condition, enum.Enum) else condition

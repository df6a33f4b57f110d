"""Which columns of a model are cached, and as what kind of value.

A column is cached if a value surely reads the same from an entry as from the database: it is of one of Django's own
kinds below, and its class leaves Django's conversions alone. Every other column is read from the database each time.
"""

import datetime
import decimal
import inspect
import uuid
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from django.db import models
from django.db.models.constants import LOOKUP_SEP
from django.db.models.expressions import RawSQL
from django.db.models.query_utils import DeferredAttribute

_TYPES: dict[str, type] = {
    **dict.fromkeys(
        ("AutoField", "BigAutoField", "SmallAutoField", "IntegerField", "BigIntegerField", "SmallIntegerField",
         "PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField"), int
    ),
    **dict.fromkeys(
        ("CharField", "TextField", "SlugField", "FileField", "FilePathField", "GenericIPAddressField"), str
    ),
    "BooleanField": bool,
    "FloatField": float,
    "DecimalField": decimal.Decimal,
    "DateTimeField": datetime.datetime,
    "DateField": datetime.date,
    "TimeField": datetime.time,
    "DurationField": datetime.timedelta,
    "UUIDField": uuid.UUID,
    "BinaryField": bytes,
    "JSONField": object,
}  # fmt: skip

_HARMLESS = frozenset({
    "attr_class", "cast_db_type", "check", "class_lookups", "clean", "clone", "contribute_to_class",
    "contribute_to_related_class", "db_check", "db_parameters", "db_type", "db_type_parameters", "db_type_suffix",
    "deconstruct", "default_error_messages", "default_validators", "description", "descriptor_class", "empty_values",
    "error_messages", "flatchoices", "formfield", "generate_filename", "get_choices", "get_default",
    "get_limit_choices_to", "get_lookup", "get_lookups", "get_transform", "non_db_attrs", "pre_save", "rel_db_type",
    "run_validators", "save_form_data", "system_check_deprecated_details", "system_check_removed_details", "validate",
    "validators", "value_to_string",
})  # fmt: skip
"""What a class of field may define without changing what is read from the database. A descriptor is given the same."""

_HOOKS = ("from_db_value", "get_placeholder", "get_placeholder_sql")
"""What Django calls if a field has it."""


def final_field(field: Any) -> Any:
    """Return the field whose values a column holds: of a foreign key the target's, of a generated one the output's."""
    while True:
        if isinstance(field, models.ForeignKey):
            field = field.target_field
        elif isinstance(field, models.GeneratedField):
            field = field.output_field
        else:
            return field


def type_of(field: Any) -> type | None:
    """Return the type of a column's values without null; None for a kind that is not cached. JSON is `object`."""
    return _TYPES.get(final_field(field).get_internal_type())


def converts(field: Any) -> bool:
    """Return whether the class of a field, or of one that it leads to, has conversions that are not Django's own."""
    while isinstance(field, models.ForeignKey):
        if _overrides(field):
            return True
        field = field.target_field
    final = final_field(field)
    return _overrides(field) or _overrides(final) or getattr(final, "decoder", None) is not None


def compares_as_django(field: Any) -> bool:
    """Return whether the class of a field leaves the type of its column and its equality to Django."""
    lookups = (field.get_lookup(name) for name in ("exact", "in"))
    return all(map(_is_django, lookups)) and not {"db_type", "db_parameters"} & set(_overridden(type(field)))


def _overrides(field: Any) -> bool:
    return not _HARMLESS.issuperset(_overridden(type(field)))


def _overridden(kind: type) -> Iterator[str]:
    """Yield what the classes of a field that are not Django's define anew."""
    own = next(each for each in kind.__mro__ if _is_django(each))
    for each in kind.__mro__:
        if not _is_django(each) and each is not object:
            for name in vars(each):
                is_known = hasattr(own, name) or name in _HOOKS
                if is_known and not name.startswith(("__", "_check")):
                    yield name


def _is_django(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "django"


def fault_of(field: Any) -> str | None:
    """Return why a column cannot be cached; None if it can."""
    if type_of(field) is None:
        return f"a {type(final_field(field)).__name__} is no kind of column that surely reads the same from an entry"
    if converts(field):
        return f"{type(field).__name__} has conversions of its own, so a value may read otherwise from an entry"
    return None


def can_be_deferred(field: Any, model: Any) -> bool:
    """Return whether an instance reads a column that it was made without when it is asked for."""
    return isinstance(inspect.getattr_static(model, field.attname, None), DeferredAttribute)


@cache
def never_cached(model: Any) -> frozenset[str]:
    """Return the attribute names of columns that Cached(never=…) names, of the model or of a cached parent."""
    declared = (getattr(each, "cached", None) for each in (model, *model._meta.get_parent_list()))
    names = {name for each in declared for name in getattr(each, "never", ())}
    return frozenset(each.attname for each in model._meta.concrete_fields if names & {each.name, each.attname})


@cache
def cached_fields(model: Any) -> tuple[Any, ...]:
    """Return the fields of a model whose values are cached."""
    never = never_cached(model)
    fields = [each for each in model._meta.concrete_fields if each.attname not in never and fault_of(each) is None]
    plain = {each.attname for each in fields if not each.generated}
    return tuple(each for each in fields if not each.generated or _follows(each, plain))


def _follows(field: Any, columns: Collection[str]) -> bool:
    """Return whether a generated column depends on these columns alone, so that their writes tell of it."""
    known = {name: each.attname for each in field.model._meta.concrete_fields for name in (each.name, each.attname)}
    found = {known.get(name) for name in references(field.expression)}
    return bool(found) and found <= set(columns)


def references(expression: Any) -> Iterator[str]:
    """Yield the names of the fields that an expression or a condition (Q) refers to, without what follows `__`."""
    if isinstance(expression, models.Q):
        for child in expression.children:
            if isinstance(child, tuple):
                yield child[0].partition(LOOKUP_SEP)[0]
                child = child[1]
            yield from references(child)
    elif isinstance(expression, models.F):
        name: str = expression.name  # type: ignore[attr-defined]
        yield name.partition(LOOKUP_SEP)[0]
    elif hasattr(expression, "get_source_expressions"):
        if isinstance(expression, RawSQL):
            yield "?"  # whatever it names
        for each in expression.get_source_expressions():
            yield from references(each)

"""Text columns with the same collation rules on all databases."""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import Exact, IExact

from api.model_fields import StoredValueStays
from users.usernames import validate_form

IGNORE_CASE = "ignore_case"
BINARY = "binary"
COLLATIONS = {
    IGNORE_CASE: {"sqlite": "NOCASE", "mysql": "utf8mb4_general_ci"},
    BINARY: {"sqlite": "BINARY", "mysql": "utf8mb4_bin"},
}


class CollatedCharField(models.CharField):
    """A CharField compared by `rule` (IGNORE_CASE or BINARY), in unique indexes and ranges too.

    Migrations contain the rule instead of a collation, so that they fit every database. IGNORE_CASE is meant for ASCII:
    databases differ in how they fold the case of other characters. So nothing equals a text that is not ASCII, or that
    ends with a blank, which MariaDB ignores.
    """

    def __init__(self, *args: Any, rule: str = BINARY, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rule = rule

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "rule": self.rule}

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters = super().db_parameters(connection)
        collation = COLLATIONS[self.rule].get(connection.vendor)
        return {**parameters, "collation": collation} if collation else parameters


class _WithinASCII:
    """A lookup without results for what MariaDB would find by its folding of accents, widths and outer blanks."""

    lhs: Any
    rhs: Any

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> Any:
        ignores_case = self.lhs.output_field.rule == IGNORE_CASE
        if ignores_case and isinstance(self.rhs, str) and not (self.rhs.isascii() and self.rhs == self.rhs.rstrip()):
            raise EmptyResultSet
        return super().as_sql(compiler, connection)  # type: ignore[misc]


@CollatedCharField.register_lookup
class _ExactWithinASCII(_WithinASCII, Exact):
    pass


@CollatedCharField.register_lookup
class _IExactWithinASCII(_WithinASCII, IExact):
    pass


class UsernameField(StoredValueStays, CollatedCharField):
    """The column of usernames: new ones follow the rules of users/usernames.py, accounts keep older ones."""

    default_validators = [validate_form]

    def deconstruct(self):
        name, _, args, kwargs = super().deconstruct()
        return name, "users.fields.CollatedCharField", args, kwargs

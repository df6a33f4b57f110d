"""Text columns with the same collation rules on all databases."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

IGNORE_CASE = "ignore_case"
BINARY = "binary"
COLLATIONS = {
    IGNORE_CASE: {"sqlite": "NOCASE", "mysql": "utf8mb4_general_ci"},
    BINARY: {"sqlite": "BINARY", "mysql": "utf8mb4_bin"},
}


class CollatedCharField(models.CharField):
    """A CharField compared by `rule` (IGNORE_CASE or BINARY), in unique indexes and ranges too.

    Migrations contain the rule instead of a collation, so that they fit every database. IGNORE_CASE is meant for ASCII:
    databases differ in how they fold the case of other characters.
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

"""Serializers that take what the contract names and nothing else."""

from functools import cache
from typing import Any

from rest_framework import serializers
from rest_framework.settings import api_settings


class Text(serializers.CharField):
    """A JSON string; numbers are not turned into text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Integer(serializers.IntegerField):
    """A JSON integer; neither text nor a boolean nor a fraction is turned into one."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictMixin:
    # A field that is unknown, or may only be read, is an error rather than ignored. (Not a docstring: the schema would
    # show it as every input's description.)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            unknown = {name: ["There is no such field to write."] for name in data if name not in writable}
            if unknown:
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


def validated(kind: type[serializers.Serializer], data: Any, *, partial: bool = False) -> dict[str, Any]:
    """What the client sent, checked; raises the 400 otherwise. With `partial`, no field is required."""
    if data is None:
        raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: ["No data provided"]})
    return _shared(kind, partial).run_validation(data)


@cache
def _shared(kind: type[serializers.Serializer], partial: bool) -> serializers.Serializer:
    """To make a serializer copies all its fields, which takes longer than the check; to check changes nothing in it."""
    return kind(partial=partial)

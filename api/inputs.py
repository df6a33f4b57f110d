"""Serializers that take what the contract names and nothing else."""

from typing import Any

from rest_framework import serializers


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


def validated(serializer: serializers.BaseSerializer) -> dict[str, Any]:
    """What the client sent, checked; raises the 400 otherwise."""
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data

"""Strict input: fields that refuse other JSON types, and serializers that refuse unknown fields."""

from functools import cache
from typing import Any

from rest_framework import serializers
from rest_framework.settings import api_settings

from api import texts


class Text(serializers.CharField):
    """A field for JSON strings; numbers are not converted to text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Line(Text):
    """A field for a text of one line that people type; see api.texts.clean_line()."""

    def to_internal_value(self, data: Any) -> str:
        return texts.clean_line(super().to_internal_value(data), self.max_length)


class Multiline(Text):
    """A field for a text of several lines that people type; see api.texts.clean_multiline()."""

    def to_internal_value(self, data: Any) -> str:
        return texts.clean_multiline(super().to_internal_value(data), self.max_length)


class EmailLine(Line, serializers.EmailField):
    """A field for an e-mail address without invisible characters."""


class URLLine(Line, serializers.URLField):
    """A field for a URL without invisible characters."""


class Integer(serializers.IntegerField):
    """A field for JSON integers; text, booleans and fractions are not converted."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictSerializer(serializers.Serializer):
    # Refuses fields that are unknown or read-only, instead of ignoring them. Not a docstring, which would be the
    # description of each input in the schema.

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            unknown = {name: ["There is no such field to write."] for name in data if name not in writable}
            if unknown:
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


def validated(kind: type[serializers.Serializer], data: Any, *, partial: bool = False) -> dict[str, Any]:
    """Return the validated data of a request; raise the 400 if it is invalid. With `partial`, no field is required."""
    if data is None:
        raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: ["No data provided"]})
    return _serializer(kind, partial).run_validation(data)


@cache
def _serializer(kind: type[serializers.Serializer], partial: bool) -> serializers.Serializer:
    """Return a serializer to be used again: its creation copies all fields, and validation does not change it."""
    return kind(partial=partial)

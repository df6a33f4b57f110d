"""Columns of classes of the project's own, with and without conversions, and columns that the database computes."""

import enum
import json
from typing import Any

from django.db import models
from django.db.models.functions import Upper

from caching.api import Cached, CachedModel


class Colour(enum.Enum):
    """A plain enumeration."""

    RED = "red"
    BLUE = "blue"

    def __str__(self) -> str:
        return str(self.value)


class EncryptedField(models.TextField):
    """Text that only the application reads."""

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """Decrypt."""
        return None if value is None else value.removeprefix("secret:")[::-1]

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt."""
        return None if value is None else f"secret:{value[::-1]}"


class ColourField(models.CharField):
    """Members of an enumeration."""

    def to_python(self, value: Any) -> Any:
        """Return the member of a form's text."""
        return Colour(value)

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """Return the member."""
        return None if value is None else Colour(value)

    def get_prep_value(self, value: Any) -> Any:
        """Return the member's value."""
        return value.value if isinstance(value, Colour) else value


class Reads:
    """A mixin of conversions."""

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """Return a list."""
        return (value or "").split(",")

    def get_prep_value(self, value: Any) -> Any:
        """Return a text."""
        return ",".join(value)


class Converting(models.CharField):
    """A text that is written in small letters."""

    def get_prep_value(self, value: Any) -> Any:
        """Return small letters."""
        return value and value.lower()


class ListField(Reads, models.TextField):
    """A field that has its conversions from a mixin that is no field."""


class Shouting:
    """A descriptor of a field."""

    def __init__(self, field: Any) -> None:
        self.field = field

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else instance.__dict__.get(self.field.attname, "").upper()

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class ShoutedField(models.CharField):
    """A text that reads in capitals."""

    descriptor_class = Shouting


class BorderedField(models.CharField):
    """A field that changes nothing of the values."""

    description = "A text with a border"

    def formfield(self, **kwargs: Any) -> Any:
        """Be as long as the column."""
        return super().formfield(**{"max_length": 10, **kwargs})


class Decoder(json.JSONDecoder):
    """Numbers become texts."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, parse_int=str)


class Vault(CachedModel):
    """What a cached row must not carry, beside what it may."""

    cached = Cached(never=("pin",))

    name = BorderedField(max_length=40)
    pin = models.CharField(max_length=10, default="")
    secret = EncryptedField(default="")
    colour = ColourField(max_length=10, default=Colour.RED)
    words = ListField(default=list)
    shout = ShoutedField(max_length=40, default="")
    document = models.JSONField(default=dict, decoder=Decoder)
    name_upper = models.GeneratedField(
        expression=Upper("name"), output_field=models.CharField(max_length=40), db_persist=True
    )
    pin_upper = models.GeneratedField(
        expression=Upper("pin"), output_field=models.CharField(max_length=10), db_persist=True
    )

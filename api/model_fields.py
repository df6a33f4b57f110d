"""Model fields for texts that people type: admin forms and management commands validate them as the API does.

Migrations contain Django's own fields instead, because the columns are the same.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from api import texts


class StoredValueStays(models.Field):
    """A field whose clean() accepts what the row has already, so that a new rule does not block other edits."""

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        try:
            return super().clean(self.cleaned(value), model_instance)
        except ValidationError:
            if not self._is_stored(value, model_instance):
                raise
            return value

    def cleaned(self, value: Any) -> Any:
        """Return the value in its normal form; raise ValidationError if it is against the rule."""
        return value

    def _is_stored(self, value: Any, row: models.Model | None) -> bool:
        if row is None or row.pk is None:
            return False
        stored = type(row)._base_manager.filter(pk=row.pk).values_list(self.attname, flat=True).first()
        return isinstance(value, str) and isinstance(stored, str) and _after_a_form(value) == _after_a_form(stored)


def _after_a_form(text: str) -> str:
    """Return text as a form returns it, which removes outer blanks and sends other line ends."""
    return texts.multiline(text).strip()


class _Typed(StoredValueStays):
    clean_text: ClassVar[Callable[..., str]]
    migrated_as: ClassVar[str]

    def cleaned(self, value: Any) -> Any:
        return self.clean_text(value, self.max_length) if isinstance(value, str) else value

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, self.migrated_as, args, kwargs


class _LineInForm(forms.CharField):
    def to_python(self, value: Any) -> Any:
        return texts.one_line(super().to_python(value) or "", self.max_length)  # its length is validated next


class _MultilineInForm(forms.CharField):
    def to_python(self, value: Any) -> Any:
        return texts.multiline(super().to_python(value) or "", self.max_length)


class LineField(_Typed, models.CharField):
    """A text of one line; see api.texts.clean_line()."""

    clean_text = staticmethod(texts.clean_line)
    migrated_as = "django.db.models.CharField"

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": _LineInForm, **kwargs})


class MultilineField(_Typed, models.CharField):
    """A text of several lines; see api.texts.clean_multiline()."""

    clean_text = staticmethod(texts.clean_multiline)
    migrated_as = "django.db.models.CharField"

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": _MultilineInForm, **kwargs})


class EmailLineField(_Typed, models.EmailField):
    """An e-mail address without invisible characters, which Django's validator accepts in host names."""

    clean_text = staticmethod(texts.clean_line)
    migrated_as = "django.db.models.EmailField"


class URLLineField(_Typed, models.URLField):
    """A URL without invisible characters, which Django's validator accepts in paths."""

    clean_text = staticmethod(texts.clean_line)
    migrated_as = "django.db.models.URLField"

"""Values of personal columns, which operators see that they are there and how long, but not what they are."""

import re
from typing import Any

from django.db.models import EmailField

PERSONAL = re.compile(r"password|e_?mail|phone|birth|token|secret|hash|address|login", re.IGNORECASE)
LONGEST = 300


def masked(model: Any, column: str, value: Any) -> str:
    """Return the value of a column as a text: of a personal one its length alone, of a long one the beginning."""
    if value in (None, ""):
        return "none" if value is None else "empty"
    text = str(value)
    if is_personal(model, column):
        return f"••• ({len(text)} characters)"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def is_personal(model: Any, column: str) -> bool:
    """Return whether a column says something personal, by its type or its name."""
    fields = [field for field in model._meta.concrete_fields if column in (field.name, field.attname)]
    return bool(PERSONAL.search(column)) or any(isinstance(field, EmailField) for field in fields)

"""Saves that go past a model's own methods (fixtures, `Model.save_base(raw=True)`): they are transactions as well."""

from typing import Any

from django.db import models, router

from .declarations import is_followed
from .transactions import atomic_write

_original = models.Model.save_base


def install() -> None:
    """Have Model.save_base open a transaction where a model's writes are heard; calling it again changes nothing."""
    models.Model.save_base = _save_base  # type: ignore[method-assign]


def _save_base(self: Any, *args: Any, **options: Any) -> None:
    if not is_followed(type(self)):
        return _original(self, *args, **options)
    using = options.get("using") or (args[3] if len(args) > 3 else None)
    with atomic_write(using or router.db_for_write(type(self), instance=self)):
        return _original(self, *args, **options)

"""Foreign keys by which the database itself would delete or change rows of cached models."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from .. import family, registry


@register
def check_relations(**_: Any) -> list[CheckMessage]:
    """Report foreign keys that leave it to the database what happens to a cached row when its target is deleted."""
    models = {each for model in registry.by_model() for each in family.classes(model)}
    return [
        Error(
            f"The database deletes or changes rows by {field.name!r} "
            f"(on_delete={_name(field.remote_field.on_delete)}), and nobody tells the cache.",
            hint="Use CASCADE, SET_NULL or SET_DEFAULT of Django: what they write is invalidated.",
            obj=field,
            id="caching.E032",
        )
        for model in sorted(models, key=lambda each: each._meta.label)
        for field in model._meta.local_fields
        if field.remote_field and _is_of_database(field.remote_field.on_delete)
    ]


def _name(on_delete: Any) -> str:
    return str(getattr(on_delete, "__name__", on_delete))


def _is_of_database(on_delete: Any) -> bool:
    """Return whether an `on_delete` is one of Django 6.1's DB_CASCADE, DB_SET_NULL, DB_SET_DEFAULT, or like them."""
    return hasattr(on_delete, "on_delete_sql") or _name(on_delete).startswith("DB_")

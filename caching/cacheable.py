"""What the layers below the ORM classes need to know of a cached model."""

from typing import Any, ClassVar, Protocol

from django.db.models import QuerySet

from .options import Cached


class Cacheable(Protocol):
    """A Django model class that declares `cached = Cached(…)`."""

    _meta: ClassVar[Any]
    cached: ClassVar[Cached]


def all_rows(model: Any, using: str) -> Any:
    """Return a plain QuerySet of a model's rows in a database, also those that its managers leave out."""
    return QuerySet(model, using=using)

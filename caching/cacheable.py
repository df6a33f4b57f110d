"""What the layers below the ORM classes need to know of a cached model."""

from typing import Any, ClassVar, Protocol

from caching.options import Cached


class Cacheable(Protocol):
    """A Django model class that declares `cached = Cached(…)`."""

    _meta: ClassVar[Any]
    cached: ClassVar[Cached]

    @classmethod
    def from_db(cls, db: Any, field_names: Any, values: Any) -> Any: ...

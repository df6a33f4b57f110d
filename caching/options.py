"""What a model declares about its cache entries."""

import random
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

JITTER = 0.1


@dataclass(frozen=True, kw_only=True)
class Cached:
    """What a model declares as `cached = Cached(…)`.

    ttl_s           life of a cached row in seconds; the life of each entry varies by a tenth either way
    negative_ttl_s  life of "no such row"; 0: it is not remembered, and an insert whose key the database chooses holds
                    nothing of its own, which saves a round trip where nobody asks for rows that are not there
    never           columns that must not enter Redis (a password hash) or change too often to be worth it;
                    a write of these alone does not invalidate
    lookups         unique columns by which `get_one(column=value)` finds a row
    since           timestamp column that `warm_cache --since` compares
    live            boolean column that tells whether a row is there for readers: `existence_of()` takes others for
                    missing, at no cost, because an entry begins with it; all other reads return them
    remembered      how many decoded rows each process keeps, by their entries, so that an entry that it has read before
                    is not decoded again; 0 for none. Not for models with JSON columns
    """

    ttl_s: int = 3_600
    negative_ttl_s: int = 10
    never: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    since: str | None = None
    live: str | None = None
    remembered: int = 0

    def __post_init__(self) -> None:
        require_positive("Cached(ttl_s=…)", self.ttl_s)
        for name in ("negative_ttl_s", "remembered"):
            if getattr(self, name) != 0:
                require_positive(f"Cached({name}=…)", getattr(self, name))
        for name in ("never", "lookups"):
            names = getattr(self, name)
            if isinstance(names, str) or not all(isinstance(each, str) for each in names):
                raise ImproperlyConfigured(f"Cached({name}=…) takes names of columns, such as {name}=('email',).")
            object.__setattr__(self, name, tuple(names))
        for column in set(self.lookups) & set(self.never):
            raise ImproperlyConfigured(f"Cached(…): {column!r} cannot be looked up by and never be cached.")


def require_positive(option: str, value: Any) -> None:
    """Raise ImproperlyConfigured for a number of an option that is not positive."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ImproperlyConfigured(f"{option} is a positive number, not {value!r}.")


def jittered_ms(seconds: float) -> int:
    """Return a life in ms, spread so that entries written together do not expire together."""
    return int(seconds * 1000 * random.uniform(1 - JITTER, 1 + JITTER))

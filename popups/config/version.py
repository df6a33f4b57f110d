"""The version of the configs: a random word in Redis, replaced after each edit, which every entry reads along.

It says that something changed, not what: a process that sees another word than before reads the table again. If the
word is lost, the next reader puts a new one there, under a lease as always.
"""

import contextlib
from collections.abc import Iterable, Mapping

from django.db import router

from caching.api import Unavailable
from caching.extend import Result, Stale, breaker, execute, jittered_ms, new_token
from popups import keys
from popups.models import Popup

LIFE_S = 7 * 24 * 3_600


class Versions:
    """A source of the cache; its only identity is None. A value is the word, or None where
    Redis does not tell."""

    label = "popups.version"
    scripted = False

    @property
    def using(self) -> str:
        return router.db_for_write(Popup)

    def key(self, ident: None = None) -> str:
        return keys.prefixed(keys.VERSION)

    def load(self, idents: Iterable[None]) -> Mapping[None, str]:
        return {}

    def encode(self, ident: None, value: None) -> tuple[bytes, int]:
        return f"V{new_token()}".encode(), jittered_ms(LIFE_S)

    def decode(self, ident: None, entry: bytes) -> str:
        if not entry.startswith(b"V"):
            raise Stale
        return entry.decode(errors="replace")

    def of(self) -> Result[str | None]:
        """Ask for the version."""
        return Result(self, {self.key(): None})


VERSIONS = Versions()


def bump() -> None:
    """To be called after the commit of an edit. If Redis cannot be told, processes see it when they look for
    themselves (live.LOOK_S)."""
    word, life_ms = VERSIONS.encode(None, None)
    # No lease: there is nothing in a random word that could be old.
    with contextlib.suppress(Unavailable):
        execute([("SET", VERSIONS.key(), word, "PX", life_ms)], allowed=breaker.may_write)

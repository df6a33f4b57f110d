"""The version of the configs: a random token in each shard, replaced after each edit and read with every request.

The version says that a config changed, not which one: a process that reads another version than before reloads the
table. If the key is lost, the next reader puts a new version there, under a lease.
"""

import contextlib
from collections.abc import Iterable, Mapping

from caching.api import Unavailable
from caching.extend import Result, Stale, breaker, execute, jittered_ms, mark_of_run, new_token
from popups import layouts
from popups.keys import Layout, Shard, prefixed
from popups.models import Popup
from popups.sources import PopupSource

LIFE_S = 7 * 24 * 3_600


class VersionSource(PopupSource):
    """The source of the version, whose only identity is None. The value is None if Redis cannot be used."""

    label = "popups.version"
    outlives_runs = False
    model = Popup

    def key(self, identity: None = None) -> str:
        return self.key_of(layouts.current().shards[0])

    def key_of(self, shard: Shard) -> str:
        """Return the key of a shard's version."""
        return prefixed(shard.version)

    def of_shard(self, shard: Shard) -> Result[str | None]:
        """Return the question for the version that a shard has."""
        return Result(self, {prefixed(shard.version): None})

    def load(self, identities: Iterable[None]) -> Mapping[None, str]:
        return {}

    def encode(self, identity: None, value: None) -> tuple[bytes, int]:
        return f"V{new_token()}".encode(), jittered_ms(LIFE_S)

    def decode(self, identity: None, entry: bytes) -> str:
        if not entry.startswith(b"V"):
            raise Stale
        return entry.decode(errors="replace")


VERSIONS = VersionSource()


def bump() -> None:
    """Replace the version; call it after the commit of an edit.

    Without Redis, processes see the edit at their next periodic reload (config_cache.RELOAD_INTERVAL_S).
    """
    replace(layouts.read())


def replace(layout: Layout) -> None:
    """Give all shards of a layout the same new version; those that cannot be reached keep theirs."""
    entry, life_ms = VERSIONS.encode(None, None)
    # No lease is needed: a random token cannot be outdated.
    for shard in layout.shards:
        with contextlib.suppress(Unavailable):
            key = VERSIONS.key_of(shard)
            execute([("SET", key, mark_of_run(key) + entry, "PX", life_ms)], allowed=breaker.may_write)

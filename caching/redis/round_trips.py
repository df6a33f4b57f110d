"""How long round trips to Redis take, by server and by who waits."""

from ..counts import Durations
from ..locations import Address

round_trips: Durations[tuple[str, str]] = Durations()
"""By (server, "thread" or "event_loop"), of this process. Of an event loop, those that leave in one turn are one."""


def server_name(server: Address | None) -> str:
    """Return the name of a server in statistics; "redis" where there is one alone, or the one that Sentinels name."""
    return "redis" if server is None else f"{server[0]}:{server[1]}"

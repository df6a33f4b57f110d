"""Has the log tell what the operator's page shows, also while nobody looks: dead jobs, late queues, a full Redis.

One process of each host looks every WATCH_S, and logs what has changed since. That the database is away is logged as if
a request had noticed it, so that it stays one line; that Redis is away is told by the circuit breaker.
"""

import fcntl
import logging
import threading
import time

from django.conf import settings

from api import outages
from operations import health
from operations.sources import gather

FIRST_S, WATCH_S = 15.0, 2.0
"""When the first look is, as a worker may start after the web, and the time between looks: what is wrong for 10 s, as
an old heartbeat or a late queue, has to be seen within 15 s."""
log = logging.getLogger(__name__)


class Watch:
    """What was not well when this process looked last."""

    def __init__(self) -> None:
        self._troubles: dict[str, str] = {}

    def look(self) -> None:
        """Look, and log what is not well any more, or again."""
        answers = gather(health.CALLS)
        if answers["database"].error:
            outages.database.failed(answers["database"].error)
        else:
            outages.database.answered()
        before, now = self._troubles, health.troubles(answers)
        if mended := sorted(before.keys() - now.keys()):
            log.warning("Well again: %s.", ", ".join(mended))
        if now.keys() - before.keys():
            log.error("Not well: %s.", "; ".join(f"{name} ({text})" for name, text in now.items()))
        self._troubles = now


def start() -> None:
    """Begin to watch, unless another process of this host does; then this one goes on when that one has ended."""
    threading.Thread(target=_watch, name="operations watch", daemon=True).start()


def _watch() -> None:
    time.sleep(FIRST_S)
    settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
    with (settings.METRICS_DIR / "watch").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        watch = Watch()
        while True:
            watch.look()
            time.sleep(WATCH_S)

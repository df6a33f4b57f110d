"""Devices of the same users that claim popups in several processes, and commands that kill themselves at a point."""

import contextlib
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.popups.processes import next_popup
from tests.support.circuit_breaker import renew
from tests.support.forkserver import Fork, run_connected
from tests.support.redis_location import use_redis

PROCESSES, LONGEST_S = 3, 100
Claims = Counter[tuple[int, int]]


def use(url: str) -> None:
    """Have this forked process use another Redis, as if it had just started."""
    from django.conf import settings
    from django.test.signals import setting_changed

    use_redis(settings, url)
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 100, "PROOF_MS": 100}
    for name in ("CACHES", "CACHING"):
        setting_changed.send(sender=None, setting=name, value=getattr(settings, name), enter=True)
    renew()


def claim_until(stop: str, url: str, user_ids: list[int]) -> list[tuple[int, int]]:
    """Claim popups for users at random until a file exists; return the claims as (user id, popup id)."""
    from django.db import DatabaseError

    from popups.config.compile import ClientContext

    use(url)
    claimed = []
    gives_up_at = time.monotonic() + LONGEST_S
    while not Path(stop).exists() and time.monotonic() < gives_up_at:
        user_id = random.choice(user_ids)
        with contextlib.suppress(DatabaseError):
            if popup := next_popup(user_id, ClientContext("home")):
                claimed.append((user_id, popup["id"]))
    return claimed


@contextlib.contextmanager
def devices(folder: Path, url: str, user_ids: list[int]) -> Iterator[Claims]:
    """Have devices claim during the block; what they were shown is counted at its end."""
    stop, claims = folder / "stop", Counter()
    stop.unlink(missing_ok=True)
    with contextlib.ExitStack() as stack:
        work = (run_connected, claim_until, str(stop), url, user_ids)
        forks = [stack.enter_context(Fork(*work)) for _ in range(PROCESSES)]
        for fork in forks:
            fork.wait_until_paused()
        for fork in forks:
            fork.resume()
        try:
            yield claims
        finally:
            stop.touch()
        for fork in forks:
            claims.update(map(tuple, fork.result()))


def reshard_and_die(url: str, shards: int, point: str) -> None:
    """Change the number of shards, and kill the process at a point."""
    from popups import resharding
    from popups.events import drain
    from tests.support.crashes import dies_after, dies_before

    use(url)
    points: dict[str, tuple[Any, Any, str]] = {
        "announced": (dies_after, resharding, "_announce"),
        "one shard sealed": (dies_after, resharding, "confirm"),
        "sealed": (dies_after, resharding, "_seal"),
        "draining": (dies_before, drain.stream, "acknowledge"),
        "before it is opened": (dies_before, resharding, "_open"),
        "opened": (dies_after, resharding, "_open"),
    }
    arrange, owner, name = points[point]
    if point == "draining":  # what is sealed, not what waited before
        seal = resharding._seal
        resharding._seal = lambda *arguments: (seal(*arguments), arrange(owner, name))  # type: ignore[assignment]
    else:
        arrange(owner, name)
    resharding.reshard(shards, lambda _: None)

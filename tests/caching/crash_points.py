"""Other processes of the application that read or write an author and kill themselves at a point of their work."""

import signal
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.test import override_settings

from tests.support.crashes import dies_after, dies_before
from tests.support.forkserver import Fork


def kill_at(point: str, pk: Any = 0, **caching: Any) -> None:
    """Run a process that reads or renames the author `pk` and dies at `point` (a key of `points` below).

    `caching`: settings of CACHING in this process.
    """
    with Fork(die_at, point, pk, caching) as fork:
        assert fork.exit_status() == -signal.SIGKILL


def die_at(point: str, pk: Any, caching: dict[str, Any]) -> None:
    from django.db import connection

    from caching.entries import rows
    from caching.ops import warm
    from caching.protocol import steps
    from tests.testapp.models import Author

    override_settings(CACHING={**settings.CACHING, **caching}).enable()
    Author.objects.get_some([10**15])  # connected, and the breaker closed

    def read() -> None:
        Author.objects.get_one(pk)

    def rename() -> None:
        Author.objects.update_one(pk, name="by the dead")

    def warm_all() -> None:
        """Die after the third chunk is filled and before its progress is stored."""
        warm.CHUNK = 10
        warming = warm.Warming(Author).run()
        next(warming), next(warming)
        dies_after(warm, "warm_chunk")
        next(warming)

    points: dict[str, tuple[Callable[..., None], Any, str, Callable[[], None]]] = {
        "leased": (dies_after, steps, "lease", read),
        "loaded": (dies_after, rows.Rows, "load", read),
        "filled": (dies_after, steps, "fill", read),
        "held": (dies_after, steps, "hold", rename),
        "written": (dies_before, connection, "_commit", rename),
        "committed": (dies_after, connection, "_commit", rename),
        "lifted": (dies_after, steps, "lift", rename),
        "warming": (lambda *_: None, warm, "", warm_all),
    }
    arrange, owner, name, act = points[point]
    arrange(owner, name)
    act()
    raise SystemExit(f"{point}: nobody died")

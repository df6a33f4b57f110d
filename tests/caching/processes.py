"""Other processes of the application, real ones, which kill themselves at a point of their work.

python -m tests.caching.processes POINT PK '{"HOLD_MS": 500}'
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "tests.settings"}


@contextlib.contextmanager
def spawned(point: str, pk: Any = 0, **caching: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that reads or renames the author `pk`, and is killed at `point`; settings of CACHING by keyword."""
    command = [sys.executable, "-m", "tests.caching.processes", point, str(pk), json.dumps(caching)]
    process = subprocess.Popen(command, env=os.environ | ENVIRONMENT, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies_before(owner: Any, name: str) -> None:
    setattr(owner, name, die)


def dies_after(owner: Any, name: str) -> None:
    original: Callable[..., Any] = getattr(owner, name)
    setattr(owner, name, lambda *args, **options: (original(*args, **options), die()))


def main(point: str, pk: int, caching: dict[str, Any]) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from caching import sources, store, warm
    from tests.shelf.models import Author

    settings.CACHING = {**settings.CACHING, **caching}
    Author.objects.get_some([10**15])  # connected, and the breaker closed

    def read() -> None:
        Author.objects.get_one(pk)

    def rename() -> None:
        Author.objects.update_one(pk, name="by the dead")

    def warm_all() -> None:
        """Dies when its third chunk is filled, but not yet noted."""
        warm.CHUNK = 10
        warming = warm.Warming(Author).run()
        next(warming), next(warming)
        dies_after(warm, "warm_chunk")
        next(warming)

    points: dict[str, tuple[Callable[..., None], Any, str, Callable[[], None]]] = {
        "leased": (dies_after, store, "lease", read),
        "loaded": (dies_after, sources.Rows, "load", read),
        "filled": (dies_after, store, "fill", read),
        "held": (dies_after, store, "hold", rename),
        "written": (dies_before, connection, "_commit", rename),
        "committed": (dies_after, connection, "_commit", rename),
        "lifted": (dies_after, store, "lift", rename),
        "warming": (lambda *_: None, warm, "", warm_all),
    }
    arrange, owner, name, act = points[point]
    arrange(owner, name)
    act()
    raise SystemExit(f"{point}: nobody died")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]))

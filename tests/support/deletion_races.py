"""The deletion of a user in another process, which pauses halfway while the test acts."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.forkserver import Fork, pause, run_connected


@contextlib.contextmanager
def paused_process(work: Callable[..., Any], *arguments: Any) -> Iterator[Callable[[], Any]]:
    """Run work in another process until it calls `pause()`; yield a function that resumes it and returns its result."""
    with Fork(run_connected, work, *arguments) as fork:
        fork.wait_until_paused().resume().wait_until_paused()
        yield lambda: fork.resume().result()


def delete_with_pause(how: str, point: str, user_id: int) -> bool:
    """Delete a user by the "service" or by the model's delete(), pausing at a point; return whether the user is gone.

    Points: "edges ended" (all edges deleted, the account not yet), "cascade collected" (Django knows what to delete and
    has deleted nothing), and any other name for the moment before the commit that deletes the account.
    """
    from django.db import connection
    from django.db.models.deletion import Collector

    from users import erasure, services
    from users.models import User

    if point == "edges ended":
        begin, pauses = erasure.atomic_write, iter([False, True])  # the mark; then the transaction of the account
        erasure.atomic_write = lambda using: (next(pauses, False) and pause(), begin(using))[1]
    elif point == "cascade collected":
        delete = Collector.delete
        Collector.delete = lambda self: (User in self.data and pause(), delete(self))[1]
    else:
        commit = connection._commit
        connection._commit = lambda: (User.objects.filter(pk=user_id).exists() or pause(), commit())
    list(services.delete_user(user_id)) if how == "service" else User.objects.get(pk=user_id).delete()
    return not User.objects.filter(pk=user_id).exists()

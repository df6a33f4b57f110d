"""What processes of the application do for the tests on Galera; imported where Django is set up."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.test import override_settings

from tests.topologies.galera.applications import pause

# Users.


def new_user(username: str) -> int:
    from users.models import User

    return User.objects.create_one(username=username, password="!").pk


def nickname(user_id: int) -> str:
    from users.models import User

    return User.objects.get_one(user_id).nickname


def rename(user_id: int, name: str) -> None:
    from users.models import User

    User.objects.update_one(user_id, nickname=name)


def state_of_user(user_id: int) -> str:
    """Return the state of a user's entry: "V" for a value, "H" for a hold, "" for none."""
    from caching.api import redis_client
    from caching.entries.rows import rows_of
    from users.models import User

    return (redis_client().get(rows_of(User).key(user_id)) or b"")[:1].decode()


# Failures, pauses and deaths.


def number_of_failure(function: Any, *arguments: Any) -> tuple[int, float]:
    """Return the number of the database's error that a function raises, and after how many seconds it does."""
    began = time.monotonic()
    try:
        function(*arguments)
    except OperationalError as error:
        connection.close()
        return error.args[0], time.monotonic() - began
    raise AssertionError("It did not fail.")


@contextlib.contextmanager
def commits(act: Callable[[Callable[[], None]], None]) -> Iterator[None]:
    """Have the commits of this process made by a function, which gets the real one."""
    connection.ensure_connection()
    real = connection._commit
    connection._commit = partial(act, real)
    try:
        yield
    finally:
        connection._commit = real


def pausing_once(function: Any, *arguments: Any) -> tuple[Any, int]:
    """Call a function, which pauses just before its first commit; return its result and the number of commits."""
    made = []

    def commit(real: Callable[[], None]) -> None:
        made.append(1)
        if len(made) == 1:
            pause()
        real()

    with commits(commit):
        return function(*arguments), len(made)


def pausing_and_dying(function: Any, *arguments: Any) -> None:
    """Call a function, which pauses just before its first commit; this process dies just after that."""

    def commit(real: Callable[[], None]) -> None:
        pause()
        real()
        os.kill(os.getpid(), signal.SIGKILL)

    with commits(commit):
        function(*arguments)


def with_hold_ms(hold_ms: int) -> None:
    """From now on, let readers ask the database about holds that are older than this."""
    override_settings(CACHING={**settings.CACHING, "HOLD_MS": hold_ms}).enable()


# Requests.


def request(method: str, path: str, body: Any, user_id: int, headers: Any = ()) -> tuple[int, Any]:
    from tests.support.api_client import ApiClient
    from users.models import User

    answer = ApiClient().request(method, path, body, by=User(pk=user_id), headers=dict(headers))
    return answer.status, answer.json


# Edges.


def follow(follower_id: int, followee_id: int) -> str:
    from caching.api import repeated
    from social import services

    try:
        repeated(partial(services.follow, follower_id=follower_id, followee_id=followee_id), is_idempotent=True)
    except services.Blocked:
        return "blocked"
    return "followed"


def unfollow(follower_id: int, followee_id: int) -> None:
    from social import services

    services.unfollow(follower_id=follower_id, followee_id=followee_id)


def block(blocker_id: int, blocked_id: int) -> None:
    from social import services

    services.block(blocker_id=blocker_id, blocked_id=blocked_id)


def edges_between(one: int, other: int) -> tuple[int, int]:
    """Return the number of follows and of blocks between two users."""
    from social import services

    return services._follows_between(one, other).count(), services.blocks_between(one, other).count()


# Counters.


def drift(user_id: int) -> list[str]:
    from counters import reconcile

    return list(map(str, reconcile.run_one("user", user_id, mend=False).drifts))


def mend(user_id: int) -> None:
    from counters import reconcile

    reconcile.run_one("user", user_id)


def spoil(user_id: int, amount: int) -> None:
    """Add a delta that no row stands for."""
    from counters import deltas
    from counters.models import Delta

    deltas.insert("default", [Delta(kind="user", target_id=user_id, name="followers", amount=amount)])


def shown(user_id: int) -> int:
    from counters import reads

    return reads.counts_of("user", [user_id])[user_id]["followers"]


def rolled_up(user_id: int) -> int:
    from counters.models import Counter

    rows = Counter.objects.filter(kind="user", target_id=user_id, name="followers")
    return rows.values_list("value", flat=True).first() or 0


def roll_up() -> int:
    from counters import rollup

    return rollup.roll_up_chunk()


def roll_up_all() -> int:
    from counters import rollup

    return rollup.roll_up_all()


def roll_up_or_lose() -> str:
    try:
        roll_up()
    except OperationalError as error:
        return str(error.args[0])
    return "rolled up"


def posts_of(user_id: int) -> int:
    from posts.models import Post

    return Post.objects.filter(author_id=user_id).count()


def counts(user_id: int) -> tuple[int, int]:
    """Return the numbers of posts and of followed users that are shown of a user."""
    from counters import reads

    found = reads.counts_of("user", [user_id])[user_id]
    return found["posts"], found["following"]


# Work in the background.


def erase_slowly(user_id: int) -> int:
    """Delete the rows of an account in small chunks, until the sweep is done; return how many."""
    from caching.api import repeated
    from jobs import deletion

    deletion.CHUNK = 2
    return repeated(deletion.finish, is_idempotent=True)


def mark_as_erased(user_id: int) -> None:
    from users import erasure

    erasure.mark([user_id])


def rows_of(user_id: int) -> tuple[int, int]:
    """Return whether an account is there, and how many follow it."""
    from social.models import Follow
    from users.models import User

    return User.objects.filter(pk=user_id).count(), Follow.objects.filter(followee_id=user_id).count()


def record_pending(user_id: int) -> None:
    """Record the entry of a user as written while Redis was away."""
    from caching.entries.rows import rows_of
    from caching.extend import record_pending
    from users.models import User

    record_pending("default", [rows_of(User).key(user_id)])


def apply_pending() -> int:
    from caching.protocol import pending

    return pending.apply_pending("default")


def new_popup() -> int:
    from popups.models import Popup

    return Popup.objects.create(title="Hello").pk


def write_events(user_id: int, popup_id: int, number: int) -> None:
    """Write the events of a drain, the same ones whenever it is called."""
    from datetime import UTC, datetime

    from caching.api import repeated
    from popups.events import drain
    from popups.events.stream import StreamEvent

    at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    events = [
        StreamEvent(
            stream_id=f"{popup_id}-{each}", type="shown", user_id=user_id, popup_id=popup_id,
            claim=f"{popup_id:08x}{each:08x}", at=at, is_last=True,
        )
        for each in range(number)
    ]  # fmt: skip
    repeated(partial(drain.write, events), is_idempotent=True)


def written_events(user_id: int, popup_id: int) -> tuple[int, int, int]:
    """Return the numbers of events in the log, and of showings by user and by day."""
    from popups.models import Day, Event, UserPopup

    rows = {"user_id": user_id, "popup_id": popup_id}
    return (
        Event.objects.filter(**rows).count(),
        UserPopup.objects.get(**rows).shown,
        sum(Day.objects.filter(popup_id=popup_id).values_list("shown", flat=True)),
    )


def check_with_lease_ms(lease_ms: int) -> list[str]:
    """Return the ids of what the system checks say of the database, where leases live for this long."""
    from django.core import checks

    with override_settings(CACHING={**settings.CACHING, "LEASE_MS": lease_ms}):
        found = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
    return [str(each.id) for each in found if str(each.id).startswith("caching.")]

"""Other processes of the application that write edges as fast as they can, once they are told to go.

python -m tests.social.processes WORK '[arguments]'; answers one JSON document.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "tests.settings"}


def at_once(work: str, arguments: list[list[Any]], module: str = "tests.social.processes") -> list[Any]:
    """What the processes answer, one for each list of arguments; all start working at the same moment."""
    command = [sys.executable, "-m", module, work]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(subprocess.Popen([*command, json.dumps(args)], env=os.environ | ENVIRONMENT, **pipes))
            for args in arguments
        ]
        stack.callback(lambda: [process.kill() for process in started])
        for process in started:
            assert process.stdout.readline() == "ready\n"
        for process in started:
            process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(process.stdout.readline()) for process in started]


def follow_all(follower_ids: list[int], followee_id: int) -> int:
    """How many edges were really inserted."""
    from social import services

    return sum(services.follow(follower_id=each, followee_id=followee_id) for each in follower_ids)


def scramble(user_ids: list[int], times: int, seed: int) -> dict[str, int]:
    """Random writes between random people; how many of each kind changed something."""
    from social import services

    chance, changed = random.Random(seed), Counter()
    for _ in range(times):
        one, other = chance.sample(user_ids, 2)
        verb, names = chance.choice(
            [
                (services.follow, ("follower_id", "followee_id")),
                (services.unfollow, ("follower_id", "followee_id")),
                (services.block, ("blocker_id", "blocked_id")),
                (services.unblock, ("blocker_id", "blocked_id")),
            ]
        )
        with contextlib.suppress(services.Blocked):
            changed[verb.__name__] += verb(**dict(zip(names, (one, other), strict=True)))
    return changed


@contextlib.contextmanager
def waiting(work: str, *arguments: Any) -> Iterator[Callable[[], Any]]:
    """Another process is at work, and waits where `wait()` stands; what is given lets it go on and tells its answer."""
    command = [sys.executable, "-m", "tests.social.processes", work, json.dumps(arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ | ENVIRONMENT, **pipes) as process:

        def go_on() -> str:
            process.stdin.write("go\n")
            process.stdin.flush()
            return process.stdout.readline()

        try:
            assert process.stdout.readline() == "ready\n"
            assert go_on() == "waiting\n"
            yield lambda: json.loads(go_on())
        finally:
            process.kill()


def wait(*_: Any) -> None:
    print("waiting", flush=True)
    sys.stdin.readline()


def delete_waiting(how: str, point: str, user_id: int) -> bool:
    """By the service or the model's own delete(); whether the user is gone."""
    from django.db import connection
    from django.db.models.deletion import Collector

    from users import farewells, services
    from users.models import User

    if point == "edges ended":
        farewells.register(lambda _: iter([wait()]))
    elif point == "cascade collected":
        delete = Collector.delete
        Collector.delete = lambda self: (User in self.data and wait(), delete(self))[1]
    else:
        commit = connection._commit
        connection._commit = lambda: (User.objects.filter(pk=user_id).exists() or wait(), commit())
    list(services.delete_user(user_id)) if how == "service" else User.objects.get(pk=user_id).delete()
    return not User.objects.filter(pk=user_id).exists()


def killed_in_a_block(point: str, blocker_id: int, blocked_id: int) -> None:
    """Another process blocks, and is killed once it is through with `point`."""
    arguments = [point, blocker_id, blocked_id]
    command = [sys.executable, "-m", "tests.social.processes", "block_and_die", json.dumps(arguments)]
    done = subprocess.run(command, env=os.environ | ENVIRONMENT, input="go\n", text=True, stdout=subprocess.PIPE)
    assert done.returncode == -signal.SIGKILL, done


def block_and_die(point: str, blocker_id: int, blocked_id: int) -> None:
    from django.db import connection

    from social import services

    if point == "everything written":
        connection._commit = die
    else:
        dies_after(services, {"block inserted": "_insert", "one follow deleted": "_delete"}[point])
    services.block(blocker_id=blocker_id, blocked_id=blocked_id)


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies_after(owner: Any, name: str) -> None:
    original = getattr(owner, name)
    setattr(owner, name, lambda *args, **options: (original(*args, **options), die()))


def main(works: dict[str, Any], work: str, arguments: str) -> None:
    import django

    django.setup()
    from users.models import User

    User.objects.get_some([1])  # connected to both servers
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(works[work](*json.loads(arguments))), flush=True)


if __name__ == "__main__":
    main(globals(), *sys.argv[1:])

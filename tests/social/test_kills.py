"""Behaviour 25 on the real programs: a web worker or the roll-up is killed under load and started again.

Set KILLS=200 for a long run.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from counters import reconcile
from counters.models import Delta
from devtools.servers import end_with_parent
from loadtest.bench.web_server import PROJECT_ROOT, WebServer, run_web_server, worker_pids
from social.models import Follow
from tests.social.crowd import Crowd
from tests.support.polling import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("KILLS", "4"))
WORKERS, THREADS, PEOPLE, CLIENTS = 2, 4, 24, 6
IN_A_ROW = 20  # kills of one installation
AT_LEAST = 10  # writes between two kills
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "off", "THROTTLES": "off", "WEB_WORKERS": str(WORKERS),
    "WEB_THREADS": str(THREADS),
}  # fmt: skip


class RollUp:
    def __init__(self) -> None:
        command = [sys.executable, "manage.py", "rollup_counters"]
        self.process = subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=os.environ | ENVIRONMENT, preexec_fn=end_with_parent
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def web(tmp_path) -> Iterator[WebServer]:
    with run_web_server(os.environ | ENVIRONMENT, tmp_path / "web.log") as server:
        yield server


@pytest.mark.parametrize("kills", [min(IN_A_ROW, KILLS - done) for done in range(0, KILLS, IN_A_ROW)])
def test_counts_equal_edges_whoever_is_killed(web, new_user, kills):
    crowd = Crowd(web.port, [new_user(f"crowd_{number}") for number in range(PEOPLE)], CLIENTS)
    killed: Counter[str] = Counter()
    roll_up = RollUp()
    try:
        with crowd.at_work():
            for _ in range(kills):
                until_some_more(crowd)
                time.sleep(random.uniform(0, 0.2))
                if random.random() < 0.5:
                    kill_a_worker(web)
                    killed["web workers"] += 1
                else:
                    roll_up.kill()
                    roll_up = RollUp()
                    killed["roll-ups"] += 1
                assert drifts() == []  # while all other processes run
                with crowd.at_rest():
                    wait_until(lambda: not Delta.objects.exists())
                    assert shown(crowd) == edges(crowd)
    finally:
        roll_up.kill()
    print(f"{dict(killed)} killed; requests: {dict(crowd.answers)}")
    assert crowd.answers.keys() <= {"done", "died"}


def until_some_more(crowd: Crowd) -> None:
    before = crowd.answers["done"]
    wait_until(lambda: crowd.answers["done"] >= before + AT_LEAST)


def kill_a_worker(web: WebServer) -> None:
    """Kill a worker of gunicorn and wait until another is started."""
    before = worker_pids(web.supervisor_pid, WORKERS)
    os.kill(victim := random.choice(before), signal.SIGKILL)
    wait_until(lambda: victim not in worker_pids(web.supervisor_pid, WORKERS))


def drifts() -> list[reconcile.Drift]:
    """Return the drifts of all counters, each chunk from one snapshot."""
    return [drift for chunk in reconcile.run("user", mend=False) for drift in chunk.drifts]


def shown(crowd: Crowd) -> dict[str, dict[str, int]]:
    """Return the counters that the API shows."""
    status, document = crowd.ask("GET", f"counters?targets={','.join(map(target, crowd.ids))}", crowd.ids[0])
    assert status == 200
    return document["results"]


def edges(crowd: Crowd) -> dict[str, dict[str, int]]:
    followers, following = (
        Counter(Follow.objects.values_list(column, flat=True)) for column in ("followee_id", "follower_id")
    )
    return {target(pk): {"followers": followers[pk], "following": following[pk], "posts": 0} for pk in crowd.ids}


def target(pk: int) -> str:
    return f"user:{pk}"

"""The database or Redis hangs under load: every request is answered by its deadline, and all is well afterwards."""

import signal
import subprocess
import threading
import time
from collections import Counter

import pytest

from tests.operations.system import System
from tests.support.polling import wait_until
from tests.support.visitor import Outcome, Visitor

pytestmark = [pytest.mark.services, pytest.mark.every_server, pytest.mark.sampled(2)]
DEADLINE_S, ADMIN_S, SLACK_S = 3, 10, 1.5
HUNG_S = 9
VISITORS = 12  # more than there are threads
ON_ANY_DAY = {200, 201, 202, 204, 400, 404}
STREAMED = ("GET", "users/me/export")  # whose status is sent before its rows are read


@pytest.fixture(scope="module", params=["gunicorn", "granian"])
def system(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hanging")
    limits = {"WEB_DEADLINE_S": str(DEADLINE_S), "WEB_THREADS": "4", "THROTTLES": "off", "SERVER": request.param}
    system = System(folder, **limits)
    yield system
    system.end()


def servers(system: System, which: str) -> "list[subprocess.Popen[bytes]]":
    return [
        process for name, process in (("database", system.mariadb), ("redis", system.redis_server)) if name in which
    ]


@pytest.mark.parametrize("which", ["database", "redis", "database and redis"])
def test_every_request_is_answered_by_its_deadline(system, which):
    visitors = [Visitor(system.web.port, f"{which.replace(' ', '')}{number}") for number in range(VISITORS)]
    outcomes: list[Outcome] = []
    ended = threading.Event()

    def go_round(visitor: Visitor) -> None:
        while not ended.is_set():
            for outcome in visitor.round():
                outcomes.append(outcome)
                if ended.is_set():
                    return

    threads = [threading.Thread(target=go_round, args=[visitor]) for visitor in visitors]
    for thread in threads:
        thread.start()
    time.sleep(2)
    hung = servers(system, which)
    for process in hung:
        process.send_signal(signal.SIGSTOP)
    began, before = time.monotonic(), len(outcomes)
    probes = [timed(system, path) for _ in range(4) for path in ("/healthz", "/readyz")]
    of_admin_s = timed(system, "/admin/login/")
    time.sleep(max(0.0, began + HUNG_S - time.monotonic()))
    during = outcomes[before:]
    for process in hung:
        process.send_signal(signal.SIGCONT)
    back = time.monotonic()
    ended.set()
    for thread in threads:
        thread.join()
    slowest = max(during, key=lambda each: each.took_s)
    statuses = dict(Counter(each.status for each in during))
    print(f"\n{which} hung: {statuses}, the slowest {slowest.took_s:.1f} s, probes {max(probes):.1f} s")
    assert {each.status for each in during if each.operation != STREAMED} <= ON_ANY_DAY | {401, 503}, system.log()
    assert all(each.headers["retry-after"] for each in during if each.status == 503)
    assert slowest.took_s < DEADLINE_S + SLACK_S, slowest
    assert max(probes) < DEADLINE_S + SLACK_S
    assert of_admin_s < ADMIN_S + SLACK_S
    wait_until(lambda: {each.status for each in visitors[0].round()} <= ON_ANY_DAY)
    print(f"normal {time.monotonic() - back:.1f} s after it")
    for visitor in visitors:
        visitor.leave()


def timed(system: System, path: str) -> float:
    began = time.monotonic()
    system.web.ask(path)
    return time.monotonic() - began

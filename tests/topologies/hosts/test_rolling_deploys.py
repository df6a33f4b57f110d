"""Rolling deploys behind HAProxy, with old and new code side by side and migrations in between, lose no request.

A column is renamed in four releases, while clients read and write it; then a host is killed. Of a killed host's
requests only those are lost that were on it at that moment and may not be sent twice.
"""

import faulthandler
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.short_form import SHORT
from tests.topologies.hosts.fleet import Clients, Fleet, running
from tests.topologies.hosts.releases import releases

pytestmark = pytest.mark.embedded
REQUESTS, PER_SECOND = (1_500, 300) if SHORT else (100_000, 700)
NOT_SENT_TWICE = {"bio", "comment"}
IN_PROGRESS = ("keyed post", "409")
AFTER = 600 if SHORT else 5_000  # requests after the host was killed


RELEASES = 1 if SHORT else 4


@pytest.fixture
def trees(tmp_path):
    return releases(tmp_path / "releases", RELEASES)


@pytest.fixture
def fleet(trees, tmp_path):
    with running(tmp_path, 2 if SHORT else 3, trees[0]) as fleet:
        for web in fleet.hosts:
            fleet.start(web)
        fleet.wait_until_up()
        yield fleet


@pytest.fixture
def clients(fleet):
    clients = Clients(fleet, clients=20 if SHORT else 40, per_second=PER_SECOND, most=10 * REQUESTS)
    yield clients
    clients.kill()


def test_deploys_lose_nothing_and_a_killed_host_what_it_was_doing(fleet: Fleet, clients: Clients, trees: list[Path]):
    if not SHORT:
        faulthandler.cancel_dump_traceback_later()  # each wait has its own limit
    clients.wait_for(100)
    killed, *others = fleet.hosts
    for number, tree in enumerate(trees[1:], start=1):
        fleet.deploy(tree, others if SHORT else fleet.hosts)
        clients.wait_for(number * REQUESTS // RELEASES)
        assert clients.outcome()["lost"] == []
    errors = fleet.errors()
    assert sum(errors.values()) == 0
    killed.network.cut_off(killed.number)
    at = time.time()
    killed.kill()
    clients.wait_for(clients.outcome()["sent"] + AFTER)
    outcome = clients.finish()
    report(fleet, outcome)
    assert outcome["wrong"] == []
    assert outcome["sent"] == sum(outcome["answered"].values()) + len(outcome["lost"])
    # What was on the killed host at that moment: HAProxy got no answer to it, and to nothing on another host.
    # What it sent a second time, to a living host, was answered, or found the first attempt in the database still.
    assert {(kind, what) for _, kind, what, *_ in outcome["lost"] if kind not in NOT_SENT_TWICE} <= {IN_PROGRESS}
    assert all(sent <= at for *_, sent, _ in outcome["lost"]), outcome["lost"]
    assert fleet.errors() == {**errors, killed.name: fleet.errors()[killed.name]}
    assert len(outcome["lost"]) <= fleet.errors()[killed.name]


def report(fleet: Fleet, outcome: dict[str, Any]) -> None:
    """Print the figures."""
    rows = fleet.statistics()
    repeated, elsewhere = (sum(int(row[name]) for row in rows) for name in ("wretr", "wredis"))
    print(
        f"\n{outcome['sent']} requests by {len(fleet.hosts)} hosts ({outcome['answered']}), {len(outcome['lost'])} "
        f"lost without a good answer, all of them on the killed host; HAProxy sent {repeated + elsewhere} twice."
    )
    for each in outcome["lost"]:
        print("  lost:", *each[:3])

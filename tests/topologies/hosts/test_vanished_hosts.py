"""A host that vanishes without a word amid a transaction holds its rows no longer than others wait for them.

The database learns from nobody that the host is gone. Its options are those of deploy/compose.grown.yaml.
"""

import json
import subprocess
import urllib.request

import pytest

from config.environment import BASE_DIR
from tests.support.polling import wait_until
from tests.support.short_form import SHORT
from tests.topologies.hosts.fleet import Fleet, running

pytestmark = [pytest.mark.embedded, pytest.mark.skipif(SHORT, reason="make test-topologies")]
ANN = {"username": "ann", "password": "correct-horse-battery"}
BEGIN = "SET idle_transaction_timeout = 20; BEGIN; "  # 20 s as DB_TIME_LIMIT_S
# What the database was doing: it waited for the next statement, or it has an answer for who is not there any more.
IDLE, BUSY = "SELECT id FROM users_user FOR UPDATE;\n", "SELECT id, SLEEP(0.5) FROM users_user FOR UPDATE;\n"


@pytest.fixture
def fleet(tmp_path):
    with running(tmp_path, 2, BASE_DIR) as fleet:
        fleet.start(fleet.hosts[0])
        fleet.wait_until_up(fleet.hosts[0])
        yield fleet


def ask(fleet: Fleet, method: str, path: str, body: dict, **headers: str):
    """Return the document that the service answers."""
    url, headers = f"http://localhost:{fleet.port}{path}", {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    with urllib.request.build_opener().open(request, timeout=20) as reply:
        return json.loads(reply.read())


@pytest.mark.parametrize("statement", [IDLE, BUSY], ids=["idle", "busy"])
def test_rows_locked_by_a_host_that_vanished(fleet: Fleet, statement: str):
    ask(fleet, "POST", "/api/v1/users", ANN)
    access = ask(fleet, "POST", "/api/v1/auth/token", ANN)["access"]
    vanishing = fleet.hosts[1]
    command = vanishing.network.command(vanishing.number, *fleet.database_client())
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as client:
        assert client.stdin
        client.stdin.write((BEGIN + statement).encode())
        client.stdin.flush()
        wait_until(lambda: fleet.row_locks() > 0)
        vanishing.kill()
    body = ask(fleet, "PATCH", "/api/v1/users/me", {"bio": "Patient."}, Authorization=f"Bearer {access}")
    assert body["bio"] == "Patient."

"""HAProxy, as deploy/haproxy/web.cfg has it, without a database, and what it tells the hosts of their clients."""

import json
import signal
import urllib.error
import urllib.request

import pytest

from config.environment import BASE_DIR
from tests.support.polling import wait_until
from tests.support.short_form import SHORT
from tests.topologies.hosts.fleet import Fleet, running

pytestmark = [pytest.mark.embedded, pytest.mark.skipif(SHORT, reason="make test-topologies")]
ANN = {"username": "ann", "password": "correct-horse-battery"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    with running(tmp_path_factory.mktemp("fleet"), 1, BASE_DIR) as fleet:
        fleet.start(fleet.hosts[0])
        fleet.wait_until_up()
        yield fleet


def ask(fleet: Fleet, path: str, body=None, **headers: str):
    """Return the status, the headers and the document."""
    data = None if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://localhost:{fleet.port}{path}", data, named)
    try:
        with urllib.request.build_opener().open(request, timeout=20) as reply:
            return reply.status, reply.headers, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_without_a_database(fleet: Fleet):
    ask(fleet, "/api/v1/users", ANN)
    _, _, login = ask(fleet, "/api/v1/auth/token", ANN)
    user_id = ask(fleet, "/api/v1/users/me", Authorization=f"Bearer {login['access']}")[2]["id"]
    path, authorization = f"/api/v1/users/{user_id}", f"Bearer {login['access']}"
    assert ask(fleet, path, Authorization=authorization)[0] == 200
    given = ask(fleet, path, Authorization=authorization, X_Request_ID="mine")[1]["X-Request-ID"]
    made = ask(fleet, path, Authorization=authorization)[1]["X-Request-ID"]
    assert given == "mine"
    assert len(made) == 36  # HAProxy's, which is in its log as well
    assert ask(fleet, "/readyz")[0] == 404
    fleet.mariadb.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: fleet.in_rotation() == set())
        assert fleet.in_rotation("web_without_database") == {"web1"}
        assert ask(fleet, path, Authorization=authorization)[0] == 200  # from Redis alone
    finally:
        fleet.mariadb.send_signal(signal.SIGCONT)
    wait_until(lambda: fleet.in_rotation() == {"web1"})


def test_a_strangers_addresses_share_no_budget(fleet: Fleet):
    """Throttles count the address that HAProxy saw, whatever the client says."""
    wrong = {"username": "nobody", "password": "wrong-horse-battery"}
    found = [ask(fleet, "/api/v1/auth/token", wrong, X_Forwarded_For=f"192.0.2.{number}")[0] for number in range(32)]
    assert found[-1] == 429

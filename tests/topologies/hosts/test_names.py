"""HAProxy by the samples, whose servers are names: it starts before they are known, and follows their addresses."""

import pytest

from config.environment import BASE_DIR
from tests.support.network_hosts import Network, require_namespaces
from tests.support.polling import wait_until
from tests.support.short_form import SHORT
from tests.topologies.hosts.names import HERE, NamedHosts

pytestmark = [pytest.mark.embedded, pytest.mark.skipif(SHORT, reason="make test-topologies")]
BEFORE, AFTER = "127.0.0.2", "127.0.0.3"
HEALTH_PORT = 9200
DATABASE = {"DATABASE_BIND": f"{HERE}:3307"} | {f"NODE_{number}": f"node{number}:3306" for number in (1, 2, 3)}


@pytest.fixture
def hosts():
    require_namespaces()
    network = Network(1)
    yield NamedHosts(network)
    network.remove()


@pytest.mark.parametrize(
    ("sample", "name", "port", "ports", "values"),
    [
        ("deploy/haproxy/web.cfg", "web1", 8080, (8000,), {}),
        ("deploy/galera/haproxy.cfg", "node1", 3307, (3306, HEALTH_PORT), DATABASE),
    ],
)
def test_names_that_are_known_later_and_change(hosts, tmp_path, sample, name, port, ports, values):
    hosts.serve(BEFORE, *ports)
    hosts.serve(AFTER, *ports)
    with hosts.haproxy(BASE_DIR / sample, port, tmp_path, **values):
        assert hosts.answering(port) is None
        hosts.names.addresses[name] = BEFORE
        wait_until(lambda: hosts.answering(port) == BEFORE)
        hosts.names.addresses[name] = AFTER
        wait_until(lambda: hosts.answering(port) == AFTER)

"""Behaviour 82: a node that comes back is not used before it is Synced."""

import urllib.error
import urllib.request

from tests.support.galera import wait_for

SYNCED = "4"


def health(node):
    """Return the status that a load balancer sees; 0 if the host does not answer."""
    try:
        with urllib.request.urlopen(f"http://{node.address}:9200/", timeout=2) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_node_that_comes_back(galera):
    node = galera.nodes[2]
    wait_for(lambda: [health(each) for each in galera.nodes] == [200, 200, 200])
    node.kill()
    wait_for(lambda: health(node) == 503)
    node.start()
    wait_for(lambda: health(node) == 200)
    assert node.query("SHOW STATUS LIKE 'wsrep_local_state'") == [["wsrep_local_state", SYNCED]]


def test_a_node_that_has_lost_its_cluster(galera):
    node = galera.nodes[2]
    node.query("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'")
    wait_for(lambda: health(node) == 503)
    node.query("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'")
    wait_for(lambda: health(node) == 200)

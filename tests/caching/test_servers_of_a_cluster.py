"""What one server of a Redis Cluster cannot do costs its own keys, not those of the others; for threads."""

import pytest

from caching.entries.rows import rows_of
from caching.extend import Script
from caching.models import PendingInvalidation
from caching.redis.breaker import breaker
from caching.redis.client import round_trip
from caching.redis.cluster import slot_map
from caching.redis.proofs import proofs
from caching.redis.slot_map import slot_of
from tests.caching.outages import timed, waiting
from tests.caching.statements import statements
from tests.support.polling import wait_until
from tests.support.threads import Task
from tests.testapp.models import Author

pytestmark = pytest.mark.embedded
ROWS = 30
BOTH = Script("return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])}")


def key(pk):
    return rows_of(Author).key(pk)


@pytest.fixture
def by_server(cluster, settings):
    """{server: primary keys of rows that it has}, the server of the first row first."""
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 100}
    pks = [Author.objects.create_one(name="old", email=f"{n}@x").pk for n in range(ROWS)]
    Author.objects.get_some(pks)
    found = {}
    for pk in pks:
        found.setdefault(cluster.master_of(key(pk)), []).append(pk)
    return found


def names(pks):
    return [row["name"] for row in Author.objects.get_some_cols(pks, "name").results]


def test_a_dead_server(cluster, by_server):
    (dead, lost), *others = by_server.items()
    living = [pk for _, pks in others for pk in pks]
    dead.kill()
    assert names(lost) == ["old"] * len(lost)
    with statements() as sql:
        assert names(living) == ["old"] * len(living)
    assert not sql, "hits on living servers stay hits"
    with statements() as sql:
        assert names(living + lost) == ["old"] * ROWS
    assert sum("testapp_author" in each for each in sql) == 1

    Author.objects.update_one(living[0], name="new")
    assert waiting() == set()
    Author.objects.update_one(lost[0], name="new")
    assert waiting() == {key(lost[0])}
    assert names([lost[0], living[0]]) == ["new", "new"]
    breaker.of(others[0][0].address).trip(ConnectionError("a moment"))
    wait_until(lambda: breaker.may_read(others[0][0].address))
    assert waiting() == {key(lost[0])}, "what the dead one waits for does not keep the others from recovering"

    dead.start()
    cluster.wait_until_whole()
    wait_until(lambda: all_hits(lost))
    assert waiting() == set()
    assert names(lost)[0] == "new"


def test_a_server_that_returns_with_old_entries(cluster, by_server, settings):
    """It hangs, and believes nothing has happened meanwhile."""
    hung, lost = next(iter(by_server.items()))
    settings.CACHING = {**settings.CACHING, "HOLD_MS": 1_500}  # of the holds that it takes when it goes on
    hung.freeze()
    Author.objects.filter(pk__in=lost).update(name="new")
    assert waiting() == set(map(key, lost))
    hung.thaw()
    wait_until(lambda: all_hits(lost))
    assert names(lost) == ["new"] * len(lost)


def all_hits(pks):
    with statements() as sql:
        Author.objects.get_some(pks)
    return not sql


def test_servers_that_hang_together_cost_one_timeout(cluster, by_server):
    pks = [pk for those in by_server.values() for pk in those]
    for node in cluster.nodes:
        node.freeze()
    found, took_s = timed(lambda: names(pks))
    assert found == ["old"] * ROWS
    assert took_s < 2 * 0.5
    found, took_s = timed(lambda: names(pks))
    assert took_s < 0.25, "threads do not wait for a server that was found dead"
    for node in cluster.nodes:
        node.thaw()


def test_a_server_that_refuses_writes(cluster, by_server):
    full, lost = next(iter(by_server.items()))
    full.client().config_set("min-replicas-to-write", 1)
    proofs.renew()
    with statements() as sql:
        assert names([pk for pks in by_server.values() for pk in pks]) == ["old"] * ROWS
    assert sum("testapp_author" in each for each in sql) == 1
    assert [breaker.of(node.address).is_closed for node in by_server] == [False, True, True]
    Author.objects.update_one(lost[0], name="new")
    assert waiting() == {key(lost[0])}
    full.client().config_set("min-replicas-to-write", 0)
    wait_until(lambda: all_hits(lost))
    assert names([lost[0]]) == ["new"]


def test_what_waits_for_all_servers_is_applied_where_it_can(cluster, by_server):
    """A recorded key that ends in * concerns every server."""
    (dead, lost), *others = by_server.items()
    living = [pk for _, pks in others for pk in pks]
    PendingInvalidation.objects.create(key=key(0).removesuffix("0") + "*")
    dead.kill()
    names(lost)
    breaker.of(others[0][0].address).trip(ConnectionError("a moment"))
    wait_until(lambda: breaker.may_read(others[0][0].address))
    assert not any(node.client().exists(key(pk)) for node, pks in others for pk in pks)
    assert len(waiting()) == 1
    assert names(living) == ["old"] * len(living)


def test_a_slot_on_its_way(cluster, monkeypatch):
    """Single keys are followed; a command whose keys are on both servers is sent again until they are together."""
    first, second = keys = ["{on}:1", "{on}:2"]
    round_trip([("SET", each, each) for each in keys])
    slot = slot_of(first)
    source = cluster.master_of(first)
    target = next(node for node in cluster.nodes if node is not source)
    ids = {node: node.client().execute_command("CLUSTER", "MYID").decode() for node in (source, target)}
    target.client().execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
    source.client().execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
    source.client().execute_command("MIGRATE", *target.address, first, 0, 5_000)
    assert round_trip([("MGET", first), ("MGET", second), ("GET", "{on}:none")]) == [[b"{on}:1"], [b"{on}:2"], None]
    monkeypatch.setattr("caching.redis.cluster_client.PATIENCE_S", 30)
    task = Task(lambda: round_trip([BOTH.command(keys, [])]))
    source.client().execute_command("MIGRATE", *target.address, second, 0, 5_000)
    assert task.result() == [[b"{on}:1", b"{on}:2"]]
    for node in (target, source):
        node.client().execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
    assert round_trip([("GET", first)]) == [b"{on}:1"]
    assert slot_map().node_of(slot) == target.address

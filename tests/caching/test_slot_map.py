"""The slot map of a Redis Cluster: learned from any seed that answers, corrected, asked for again."""

import pytest
from django.conf import settings
from redis import exceptions

from caching import locations
from caching.redis import slot_map as slot_maps
from caching.redis.nodes import Nodes
from caching.redis.slot_map import SlotMap, slot_of
from tests.support.polling import wait_until

pytestmark = pytest.mark.embedded

NOWHERE = ("127.0.0.1", 1)


def slots_from(*seeds) -> SlotMap:
    text = "redis+cluster://" + ",".join(f"{host}:{port}" for host, port in seeds)
    return SlotMap(Nodes(locations.parse(text), settings.CACHES["default"]["OPTIONS"]))


def addresses(cluster):
    return {node.address for node in cluster.nodes}


def test_it_is_learned_from_any_seed_that_answers(cluster):
    slots = slots_from(NOWHERE, sorted(addresses(cluster))[0])
    slots.learn()
    assert set(slots.nodes) == addresses(cluster)
    for node in cluster.nodes:
        key = next(key for key in map(str, range(1000)) if slots.node_of(slot_of(key)) == node.address)
        with node.client() as client:
            assert client.get(key) is None, "the node answers for its slot"


def test_no_seed_answers():
    with pytest.raises(exceptions.ConnectionError):
        slots_from(NOWHERE).learn()


def test_a_slot_that_moved_is_corrected_at_once_and_the_rest_asked_for(cluster):
    slots = slots_from(*addresses(cluster))
    slots.learn()
    right, version = slots.node_of(7), slots.version
    wrong = next(node for node in slots.nodes if node != right)
    slots.moved(7, wrong)
    assert slots.version > version
    wait_until(lambda: slots.node_of(7) == right)


def test_a_lost_node_is_asked_after_the_others_and_not_more_often_than_reason_allows(cluster, monkeypatch):
    slots = slots_from(*addresses(cluster))
    slots.learn()
    asked = []
    ask = SlotMap._answer_of
    monkeypatch.setattr(SlotMap, "_answer_of", lambda self, address: asked.append(address) or ask(self, address))
    monkeypatch.setattr(slot_maps, "PAUSE_S", 0.3)
    lost = slots.nodes[0]
    for questions in (3, 6):
        for _ in range(500):
            slots.lost(lost)
        wait_until(lambda asked_of=questions: len(asked) >= asked_of)
        assert len(asked) == questions, "one question for all that came before its pause was over"
        assert asked[-1] == lost

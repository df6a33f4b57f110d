"""What needs no node of Galera: periods of its options, and holds that name nodes. See tests/topologies/galera."""

import time

import pytest

from caching.api import redis_client
from caching.connections import galera
from caching.protocol import steps
from tests.support.polling import wait_until

pytestmark = pytest.mark.embedded

PERIODS = {"PT2S": 2_000, "PT0.25S": 250, "PT1M30S": 90_000, "P1DT1H": 90_000_000, "PT30S": 30_000}


@pytest.mark.parametrize("period", PERIODS)
def test_periods(period):
    assert galera.parse_period_ms(period) == PERIODS[period]


@pytest.mark.django_db
def test_another_database_is_no_node():
    from django.db import connection

    assert not galera.is_galera(connection)


def test_claims_that_are_past_become_one_for_each_node(settings):
    settings.CACHING = {**settings.CACHING, "HOLD_MS": 5}
    for node in ("gaaaa", "gbbbb", "", "gaaaa", "gbbbb", ""):
        steps.hold(["galera-claims"], steps.new_token(node))
    wait_until(lambda: steps.deadline_ms(redis_client().get("galera-claims")) < time.time() * 1000 - 5)
    steps.hold(["galera-claims"], steps.new_token("gcccc"))
    entry = redis_client().get("galera-claims")
    assert steps.nodes_of(entry) == {"gaaaa", "gbbbb", "", "gcccc"}
    assert len(entry) == 1 + 4 * steps.CLAIM_BYTES

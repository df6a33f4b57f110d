"""How long a node of Galera lets reads wait, by its options."""

import pytest

from caching.connections import galera

pytestmark = pytest.mark.embedded

PERIODS = {"PT2S": 2_000, "PT0.25S": 250, "PT1M30S": 90_000, "P1DT1H": 90_000_000, "PT30S": 30_000}


@pytest.mark.parametrize("period", PERIODS)
def test_periods(period):
    assert galera.parse_period_ms(period) == PERIODS[period]


@pytest.mark.django_db
def test_another_database_is_no_node():
    from django.db import connection

    assert not galera.is_galera(connection)

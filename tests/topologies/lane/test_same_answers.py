"""The hot lane on a Cluster and behind Sentinels: everything that it answers has Django's bytes."""

import pytest

from tests.support.asgi_server import login
from tests.support.lane_domain import domain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def test_the_domain(topology, world, alice, lane, django):
    for path in domain(*world):
        path = f"/api/v1/{path}"
        expected = django.ask(path, headers=login(alice))  # also fills the cache
        found = lane.ask(path, headers=login(alice))
        assert found.by_lane, path
        assert found.answer == expected.answer, path

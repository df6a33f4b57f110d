"""What an earlier test did to the circuit breakers of a Cluster's servers does not reach the next test."""

import pytest

from caching.redis.breaker import breaker
from caching.redis.cluster import slot_map
from caching.testutils import reset_cache
from tests.caching.statements import statements
from tests.testapp.models import Author

pytestmark = [pytest.mark.embedded, pytest.mark.django_db(transaction=True)]


def test_servers_that_failed_a_moment_ago_are_emptied_and_used(cluster):
    author = Author.objects.create_one(name="Ann", email="ann@x")
    Author.objects.get_one(author.pk)
    for server in slot_map().nodes:
        breaker.of(server).trip(TimeoutError("no answer in time"))
    reset_cache()
    assert all(breaker.of(server).is_closed for server in slot_map().nodes)
    with statements() as sql:
        Author.objects.get_one(author.pk)
        Author.objects.get_one(author.pk)
    assert len(sql) == 1

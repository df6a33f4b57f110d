"""Behaviour 69: a replica that is promoted without what its master has acknowledged brings no old value back."""

import pytest

from tests.caching.outages import WRITES, served_until_the_cache_is_read_again
from tests.support.circuit_breaker import renew


@pytest.fixture(autouse=True)
def redis(redis_pair):
    return redis_pair


@pytest.mark.parametrize("process", ["that wrote", "that starts"])
@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_the_replica_never_got(redis, cached, write, process):
    redis.wait_for_replica()
    redis.replica.cut_off_from_master()
    WRITES[write](cached)
    redis.fail_over()
    if process == "that starts":
        renew()
    assert served_until_the_cache_is_read_again(cached) == {"Anna"}

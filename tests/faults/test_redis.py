"""Behaviour 131: Redis dies, hangs, slows down and refuses, under a mixed load."""

import time

import pytest

pytestmark = pytest.mark.services


def test_redis_killed(site, run):
    with run.load():
        for _ in range(2):
            with run.fault("Redis is killed"):
                site.redis.kill()
                time.sleep(run.chance.uniform(0.1, 3))
                site.redis.start()
            time.sleep(2)

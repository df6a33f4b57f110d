"""The project's programs with the REDIS_URL of a Cluster and of Sentinels."""

import pytest

from devtools.redis_cluster import RedisCluster
from devtools.redis_sentinel import RedisSentinel
from launcher.embedded_redis import redis_server
from tests.support.programs import GUNICORN, environment, run
from tests.support.short_form import SHORT

pytestmark = [pytest.mark.embedded, pytest.mark.skipif(SHORT, reason="the long form: make test-topologies")]

KINDS = {
    "cluster": lambda folder: RedisCluster(redis_server(), folder, replicas=0),
    "sentinel": lambda folder: RedisSentinel(redis_server(), folder, replicas=1, sentinels=1),
}
COMMANDS = ("migrate", "warm_cache users.User", "invalidate_cache --all", "drain_invalidations --once", "check")
ANN = {"username": "ann", "password": "correct-horse-battery"}
READY = {"status": "ok", "database": "ok", "redis": "ok", "jobs": "error", "popups": "ok"}


@pytest.mark.parametrize("kind", KINDS)
def test_programs(kind, program, tmp_path):
    servers = KINDS[kind](tmp_path / "redis")
    try:
        servers.start()
        values = {"REDIS_URL": servers.url, "DEBUG": "0", "HTTPS": "off", "SECRET_KEY": "tests-only-" + "x" * 50}
        web = program(GUNICORN, **values).wait_until_up()
        for command in COMMANDS:
            ended = run(("manage.py", *command.split()), environment(web.data, **values))
            assert ended.returncode == 0, ended.stderr
        assert web.ask("/readyz").body == READY
        asks_and_answers(web)

        *others, last = servers.nodes
        for node in others if kind == "cluster" else ():
            node.kill()
            assert web.ask("/readyz").body == READY, "the rest of the cluster answers"
        for node in (last, *(() if kind == "cluster" else others)):
            node.kill()
        down = web.ask("/readyz")
        assert (down.status, down.body) == (503, READY | {"status": "error", "redis": "error", "popups": "error"})
        asks_and_answers(web, status=400)
    finally:
        servers.end()


def asks_and_answers(web, status=201):
    assert web.ask("/api/v1/users", ANN).status == status
    token = web.ask("/api/v1/auth/token", ANN).body["access"]
    for _ in range(3):
        me = web.ask("/api/v1/users/me", Authorization=f"Bearer {token}")
        assert (me.status, me.body["username"]) == (200, "ann")

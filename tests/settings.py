"""The project's settings for the test suite, on its own servers.

SERVICES=1 selects MariaDB instead of SQLite, TOPOLOGY=cluster or sentinel several servers instead of one Redis.

Each worker of pytest-xdist starts its own servers, so that no other worker sees what a test counts, freezes or flushes.
"""

import os
from pathlib import Path

from devtools import servers
from devtools.redis_cluster import PATIENT_MS, RedisCluster
from devtools.redis_sentinel import RedisSentinel
from launcher import embedded_redis

SERVICES = os.environ.get("SERVICES") == "1"
TOPOLOGY = os.environ.get("TOPOLOGY", "")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "none")


def start_redis(binary: str, folder: Path) -> str:
    """Start the Redis of TOPOLOGY, and return its URL."""
    if TOPOLOGY == "cluster":
        topology: RedisCluster | RedisSentinel = RedisCluster(
            binary, folder / "redis", replicas=0, timeout_ms=PATIENT_MS
        )
    elif TOPOLOGY == "sentinel":
        topology = RedisSentinel(binary, folder / "redis", replicas=1, sentinels=1)
    else:
        port, _ = servers.start_redis(binary, folder)
        return f"redis://127.0.0.1:{port}/0"
    topology.start()
    return topology.url


def start_servers() -> None:
    if SERVICES:
        servers.require_packages()
    folder = servers.temporary_folder()
    os.environ["TESTS_WORKER"] = WORKER
    os.environ["DATA_DIR"] = str(folder)
    os.environ["SECRET_KEY"] = "tests-only-" + "x" * 50
    binary = servers.program("redis-server") if SERVICES else embedded_redis.redis_server()
    os.environ["REDIS_URL"] = start_redis(binary, folder)
    if SERVICES:
        mariadb_port, _ = servers.start_mariadb(folder, *servers.BINARY_LOG)
        os.environ["DATABASE_URL"] = f"mysql://root@127.0.0.1:{mariadb_port}/hotpath"
    else:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/hotpath.sqlite3"
    for name in ("DATABASE_REPLICA_URLS", "DEBUG", "ALLOWED_HOSTS", "THROTTLES", "EMAIL_URL"):
        os.environ.pop(name, None)
    os.environ["HTTPS"] = "off"  # tests send plain HTTP requests


# Processes that tests start import these settings again and use the servers of their worker.
if os.environ.get("TESTS_WORKER") != WORKER:
    start_servers()

from config.settings import *  # noqa: E402, F403

DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}  # noqa: F405  processes that tests start use the same database
# A busy machine lets a healthy Redis wait. Tests of one that hangs use it by tests/support/redis_location.py.
patient = {"SOCKET_TIMEOUT": 5, "SOCKET_CONNECT_TIMEOUT": 5}
CACHES = {"default": CACHES["default"] | {"OPTIONS": CACHES["default"]["OPTIONS"] | patient}}  # noqa: F405
ALLOWED_HOSTS = ["*"]
CACHING = {**CACHING, "PROOF_MS": 3_600_000}  # noqa: F405  tests that count commands have none besides their own
INSTALLED_APPS = [*INSTALLED_APPS, "tests.testapp"]  # noqa: F405  models that exercise the framework
PASSWORD_HASHERS = ["tests.support.hashers.CheapArgon2PasswordHasher"]
WHITENOISE_AUTOREFRESH = True  # look up files on request instead of listing all of them for each test client
LOGGING_CONFIG = "logging.config.dictConfig"  # pytest has its own hooks for warnings and uncaught exceptions

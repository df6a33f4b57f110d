"""As `startproject` leaves it, and the lines of caching/README.md."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).parent.parent
SECRET_KEY = "of a shop that sells nothing"
INSTALLED_APPS = ["goods"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
        "TEST": {"NAME": BASE_DIR / "tests.sqlite3"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

# fmt: off
from redis.backoff import NoBackoff  # noqa: E402
from redis.retry import Retry  # noqa: E402

INSTALLED_APPS += ["caching"]
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:6379/0", "OPTIONS": {
    "SOCKET_TIMEOUT": 0.5, "SOCKET_CONNECT_TIMEOUT": 0.25,
    "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)}}}}
CACHING = {"PREFIX": "shop"}
# fmt: on

CACHES["default"]["LOCATION"] = os.environ["REDIS_URL"]  # the Redis of the tests

"""What `startproject` writes, the cache framework, and servers of the tests' own; ZOO_DB selects the database.

ZOO_DB is "sqlite", "mariadb" or "postgresql". Each worker of pytest-xdist starts its own servers; processes that tests
start use those of their worker. The second database, `other`, is on the same server.
"""

import os
from pathlib import Path

from redis.backoff import NoBackoff
from redis.retry import Retry

from devtools import servers

ENGINE = os.environ.setdefault("ZOO_DB", "sqlite")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "none")


def start_servers() -> None:
    """Start Redis and the database, and tell the processes that tests start where they are."""
    folder = servers.temporary_folder()
    os.environ |= {"ZOO_WORKER": WORKER, "ZOO_FOLDER": str(folder)}
    if ENGINE == "sqlite":
        from launcher import embedded_redis

        binary = embedded_redis.redis_server()
    else:
        servers.require_packages()
        binary = servers.program("redis-server")
        start = {"mariadb": servers.start_mariadb, "postgresql": servers.start_postgresql}[ENGINE]
        options = servers.BINARY_LOG if ENGINE == "mariadb" else ()
        os.environ["ZOO_DB_PORT"] = str(start(folder, *options)[0])
    redis_port, _ = servers.start_redis(binary, folder)
    os.environ["REDIS_URL"] = f"redis://127.0.0.1:{redis_port}/0"


if os.environ.get("ZOO_WORKER") != WORKER:
    start_servers()


def database(name: str) -> dict[str, object]:
    """Return the settings of a database; tests use the database itself, as the processes that they start do."""
    port = os.environ.get("ZOO_DB_PORT", "")
    server = {"HOST": "127.0.0.1", "PORT": port, "NAME": name, "TEST": {"NAME": name}}
    file = str(Path(os.environ["ZOO_FOLDER"]) / f"{name}.sqlite3")
    return {
        "sqlite": {"ENGINE": "django.db.backends.sqlite3", "NAME": file, "TEST": {"NAME": file}},
        "mariadb": {"ENGINE": "django.db.backends.mysql", "USER": "root", **server},
        "postgresql": {"ENGINE": "django.db.backends.postgresql", "USER": "postgres", **server},
    }[ENGINE]


DATABASES = {"default": database("zoo"), "other": database("zoo_other")}

SECRET_KEY = "tests-only"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.zoo.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "caching",
    "tests.zoo",
]
MIGRATION_MODULES = {app.rpartition(".")[2]: None for app in INSTALLED_APPS}  # tables are made without migrations
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
MEDIA_ROOT = os.environ["ZOO_FOLDER"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
        "OPTIONS": {
            "SOCKET_TIMEOUT": 0.5,
            "SOCKET_CONNECT_TIMEOUT": 0.25,
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)},
        },
    }
}
# Tests that count commands see none besides their own; processes and tests of proofs set another interval.
CACHING = {
    "PREFIX": "zoo",
    "HOLD_MS": int(os.environ.get("ZOO_HOLD_MS", 60_000)),
    "PROOF_MS": int(os.environ.get("ZOO_PROOF_MS", 3_600_000)),
    "MODELS": {
        "auth.User": {"ttl_s": 600, "never": ["password", "last_login"], "lookups": ["username"]},
        "auth.Group": {"ttl_s": 600, "lookups": ["name"]},
        "zoo.Magazine": {"lookups": ["title"]},
    },
}

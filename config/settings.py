"""Django's settings: the composition of the project.

All that differs between machines is set by environment variables, which docs/operations/settings.md lists.
"""

import os
from datetime import timedelta

from config import environment

environment.require_libraries()

from redis.backoff import NoBackoff  # noqa: E402
from redis.retry import Retry  # noqa: E402

from caching import locations  # noqa: E402
from config import databases, logs, mail, openapi  # noqa: E402

BASE_DIR = environment.BASE_DIR
DATA_DIR = environment.data_dir()
DEBUG = environment.flag("DEBUG", default=False)
SECRET_KEY = environment.secret_key(debug=DEBUG)
SECRET_KEY_FALLBACKS = environment.secret_key_fallbacks(debug=DEBUG)
ALLOWED_HOSTS = environment.comma_separated("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "caching",
    "jobs",
    "binlog",
    "api",
    "counters",
    "counters.http",
    "users",
    "social",
    "posts",
    "reports",
    "ratings",
    "popups",
    "metrics",
    "operations",
]
MIDDLEWARE = [
    "config.middleware.request_ids.RequestIds",
    "config.middleware.probes.Probes",
    "metrics.views.Metrics",
    "metrics.middleware.AnsweredRequests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.pages.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.middleware.pages.Authentication",
    "config.middleware.pages.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.attempts.RepeatedPages",
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
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "users.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # files are served from the installed packages, without collectstatic
APPEND_SLASH = False

DATABASES = {"default": databases.parse(environment.database_url())}
REPLICAS = list(replicas := databases.replicas(environment.database_replica_urls()))
if REPLICAS:
    DATABASES |= replicas
    DATABASE_ROUTERS = ["replicas.router.WriterOrReplica"]
REDIS_URL = environment.redis_url()
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "CONNECTION_FACTORY": locations.connection_factory(REDIS_URL),
            "SOCKET_TIMEOUT": 0.5,
            "SOCKET_CONNECT_TIMEOUT": 0.25,
            "CONNECTION_POOL_KWARGS": {
                "protocol": 2,
                # No retry: if Redis is slow, the database answers after one timeout.
                "retry": Retry(NoBackoff(), 0),
                # Each thread uses one connection at a time; with redis-py's default, 100, further threads would fail.
                "max_connections": 10_000,
            },
        },
    }
}
CACHING = {"ALIAS": "default", "PREFIX": "hp"}

PASSWORD_HASHERS = ["users.hashers.ServerArgon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "users.passwords.CharacterValidator"},
    {
        "NAME": "users.passwords.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "nickname", "email")},
    },
    {"NAME": "users.passwords.MinimumLengthValidator"},
    {"NAME": "users.passwords.CommonPasswordValidator"},
    {"NAME": "users.passwords.NumericPasswordValidator"},
]
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["api.json.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.json.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],  # api.views.BatchedView authenticates in the request's one round trip
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],  # the default for other views
    "DEFAULT_SCHEMA_CLASS": "api.schema.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "api.problems.exception_handler",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=60),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=30),
    "LEEWAY": timedelta(seconds=10),  # for the clocks of other servers; api.tokens grants none to an expired token
}
PASSWORD_RESET_TIMEOUT = 3600  # as a token that is good for an account should not lie about in a mailbox for days
EMAIL_CONFIRM_TIMEOUT = 24 * 3600  # seconds; its token gives nobody access to an account
SPECTACULAR_SETTINGS = openapi.SETTINGS
# By scope: (requests per second on average, requests at once). "user", "refresh", "password", "report", "export" and
# "email" are per user, "reset_email" and "email_address" are per mail address, "account" is wrong passwords for one
# account, the others are per IP address.
THROTTLES = {
    "user": (50, 200),
    "register": (20 / 60, 20),
    "token": (30 / 60, 30),
    "account": (1 / 60, 10),
    "refresh": (30 / 60, 30),
    "bad_refresh": (30 / 60, 30),
    "password": (5 / 60, 5),
    "report": (20 / 60, 30),
    "export": (1 / 600, 5),
    "reset": (20 / 60, 20),
    "reset_email": (3 / 3600, 3),
    "email": (5 / 3600, 5),
    "email_address": (3 / 3600, 3),
}
if not environment.flag("THROTTLES", default=True):
    THROTTLES = {}

# Threads of each web worker; each thread has at most one database connection.
WEB_THREADS = environment.number("WEB_THREADS", default=8, low=1, high=1000)
WEB_WORKERS = environment.number("WEB_WORKERS", default=2, low=1, high=256)
# Seconds in which a web worker that ends says `connection: close`, before it closes idle connections.
WEB_DRAIN_S = environment.number("WEB_DRAIN_S", default=0 if DEBUG else 5, low=0, high=300)
# Seconds within which the response to a request begins; after them it is a 503 with Retry-After. The admin has longer.
WEB_DEADLINE_S = environment.number("WEB_DEADLINE_S", default=3, low=1, high=300)
# What scrapes of /metrics have to send; without it nobody may scrape, in debug mode everybody may.
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")
METRICS_DIR = DATA_DIR / "metrics"
LOG_HEALTH = True  # the log tells what the operator's page shows (operations.watch)
BEFORE_SERVING = "api.installation.require_agreement"
SERVER = environment.choice("SERVER", "gunicorn", "granian")
HOST = "127.0.0.1" if DEBUG else "0.0.0.0"  # noqa: S104  a container's own network
PORT = environment.number("PORT", default=8000, low=1, high=65535)
POPUP_LINK_SCHEMES = environment.schemes("POPUP_LINK_SCHEMES", default="https,http,app")
# Days for which single popup events are kept; their counts by user and by day are kept for good.
POPUP_EVENT_DAYS = environment.number("POPUP_EVENT_DAYS", default=400, low=7, high=36_500)
LANE = environment.flag("LANE", default=True)

PROXIES = environment.number("PROXIES", default=0, low=0, high=10)
if PROXIES and DEBUG:
    raise environment.Misconfigured(
        f"DEBUG=1 with PROXIES={PROXIES} would show the world how errors came about: set one of them to 0."
    )
if PROXIES:
    MIDDLEWARE.insert(1, "config.middleware.client_address.ClientAddress")

EMAIL_URL = environment.email_url(debug=DEBUG)
globals().update(mail.parse(EMAIL_URL))
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL") or "hotpath@localhost"

# Plain HTTP only in debug mode or with HTTPS=off; otherwise a proxy terminates TLS and sets X-Forwarded-Proto.
HTTPS = environment.flag("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if HTTPS else 0
# No includeSubDomains and no preload, because other hosts of the domain may not support HTTPS.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

LOG_FORMAT = environment.choice("LOG_FORMAT", "line", "json")
SLOW_REQUEST_MS = environment.number("SLOW_REQUEST_MS", default=1000, low=1, high=3_600_000)
ACCESS_LOG = environment.flag("ACCESS_LOG", default=False)
LOGGING_CONFIG = "config.logs.configure"
LOGGING = logs.settings(LOG_FORMAT)

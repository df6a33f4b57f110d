"""The settings of the peers: Django, DRF and simplejwt with their defaults, and the cache that PEER names."""

import os

import dj_database_url

PEER = os.environ.get("PEER", "orm")
SECRET_KEY = os.environ["SECRET_KEY"]  # that of the project, whose access tokens are valid here as well
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "loadtest.baselines.peers.urls"
AUTH_USER_MODEL = "peers.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ, TIME_ZONE = True, "UTC"
LIBRARIES = {"orm": [], "cacheops": ["cacheops"], "cachalot": ["cachalot"]}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "loadtest.baselines.peers.apps.PeersConfig",
    *LIBRARIES[PEER],
]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=None)}
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["REDIS_URL"]}}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
}

# Rows by id, and lists that somebody asks for again: cacheops deletes a result by the conditions of its query. Counters
# are not cached, as the counters of a page are found by a long list of ids, which cacheops takes as "any of them".
_CACHED = {"ops": ("get", "fetch"), "timeout": 3600}
CACHEOPS_REDIS = os.environ["REDIS_URL"]
CACHEOPS = {
    f"peers.{model}": _CACHED
    for model in ("user", "userstate", "post", "comment", "like", "favorite", "follow", "block", "item", "popup")
}
# cachalot deletes all results of a table at each write of it: the tables that every session writes are left out.
CACHALOT_UNCACHABLE_TABLES = frozenset(
    ("counters_counter", "popups_event", "popups_userpopup", "posts_comment", "posts_like", "ratings_score")
)

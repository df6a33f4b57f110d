"""manage.py check tells what is wrong with the settings of the cache, and which secrets would be copied to Redis."""

import copy

import pytest
from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import models
from django.test.utils import isolate_apps

from caching import registry
from caching.api import Cached, CachedModel
from caching.checks.backend import check_backend, check_switch
from caching.checks.secrets import check_secrets

pytestmark = pytest.mark.any_database

LOCMEM = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
REDIS = "redis://127.0.0.1:6379/0"
CLUSTER = {"CONNECTION_FACTORY": "caching.redis.cluster.ClusterConnectionFactory"}


def changed(settings, *, options=None, pool=None, **entry):
    """Return the entry of CACHES with some changes."""
    usual = copy.deepcopy(settings.CACHES["default"])
    usual["OPTIONS"] |= {"CONNECTION_POOL_KWARGS": usual["OPTIONS"]["CONNECTION_POOL_KWARGS"] | (pool or {})}
    usual["OPTIONS"] |= options or {}
    return usual | entry


def ids(messages):
    return [message.id.removeprefix("caching.") for message in messages]


@pytest.mark.parametrize(
    ("make", "expected", "sentence"),
    [
        (lambda _: LOCMEM, ["E061"], "LocMemCache', which has neither leases nor scripts"),
        (lambda _: {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}, ["E061"], "neither leases nor scripts"),
        (
            lambda _: {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS},
            ["E061"],
            "a Redis behind django-redis",
        ),
        (lambda _: {"BACKEND": "no.such.Cache"}, ["E061"], "cannot be imported"),
        (lambda s: changed(s, pool={"decode_responses": True}), ["E062"], "entries are bytes and no text"),
        (lambda s: changed(s, LOCATION=f"{REDIS}?decode_responses=true"), ["E062"], "entries are bytes and no text"),
        (lambda s: changed(s, options={"CLIENT_CLASS": "django_redis.client.ShardClient"}), ["E063"], "ShardClient"),
        (lambda s: changed(s, options={"CLIENT_CLASS": "django_redis.client.HerdClient"}), [], ""),
        (lambda s: changed(s, KEY_PREFIX="shop"), ["W063"], "do not apply to the cache's own keys"),
        (lambda s: changed(s, VERSION=2), ["W063"], "do not apply to the cache's own keys"),
        (lambda s: changed(s, options={"SOCKET_TIMEOUT": 30}), ["W061"], "SOCKET_TIMEOUT is 30: so long"),
        (lambda s: changed(s, options={"SOCKET_CONNECT_TIMEOUT": None}), ["W061"], "CONNECT_TIMEOUT is not set"),
        (lambda s: changed(s, options={"CONNECTION_POOL_KWARGS": {}}), ["W062"], "redis-py repeats what has failed"),
        (lambda s: changed(s, pool={"retry_on_timeout": True}), ["W062"], "redis-py repeats what has failed"),
        (lambda s: changed(s, LOCATION="redis+cluster://a:1"), ["E080"], "CONNECTION_FACTORY does not"),
        (lambda s: changed(s, LOCATION="redis+cluster://a:1,b:x", options=CLUSTER), ["E081"], "no host:port"),
        (lambda s: changed(s, LOCATION=["redis+cluster://a:1", "b:2"], options=CLUSTER), [], ""),
        (lambda s: changed(s), [], ""),
    ],
)
def test_the_entry_of_caches(settings, make, expected, sentence):
    settings.CACHES = {"default": make(settings)}
    found = check_backend()
    assert ids(found) == expected
    assert all(sentence in str(message.msg) and message.hint for message in found)
    settings.CACHING = {"PREFIX": "zoo", "ENABLED": False}
    assert check_backend() == [], "the documented switch"


def test_an_entry_that_is_missing(settings):
    settings.CACHING = {"ALIAS": "rows"}
    (found,) = check_backend()
    assert (found.id, found.msg) == ("caching.E060", "CACHES has no entry 'rows', which the cache uses.")


def test_manage_py_check_fails(settings):
    settings.CACHES = {"default": LOCMEM}
    with pytest.raises(SystemCheckError, match=r"caching\.E061"):
        call_command("check", tags=["caches"])
    settings.CACHING = {"ENABLED": False}
    call_command("check", tags=["caches"])


def test_a_cache_that_is_switched_off_is_told_of_before_a_deployment(settings):
    assert check_switch() == []
    settings.CACHING = {"ENABLED": False}
    assert ids(check_switch()) == ["W060"]
    assert "caching.W060" in [message.id for message in checks.run_checks(include_deployment_checks=True)]


@pytest.fixture
def own_registry(monkeypatch):
    """Forget the models that a test declares."""
    monkeypatch.setattr(registry, "_models", [])
    monkeypatch.setattr(registry, "_declarations", {})
    yield
    registry.heard.cache_clear()


@isolate_apps("tests.zoo")
@pytest.mark.parametrize(("never", "expected"), [((), ["E070"]), (("password",), [])])
def test_the_password_of_a_user_model(own_registry, never, expected):
    class Member(AbstractBaseUser, CachedModel):
        cached = Cached(never=never)

        class Meta:
            app_label = "zoo"

    assert ids(check_secrets()) == expected


@isolate_apps("tests.zoo")
def test_columns_that_are_named_like_secrets(own_registry):
    class Device(CachedModel):
        api_key = models.CharField(max_length=50, default="")
        refresh_token = models.TextField(default="")
        password_hash = models.CharField(max_length=50, default="")
        otp = models.CharField(max_length=6, default="")
        secret = models.TextField(default="")
        tokens_left = models.IntegerField(default=0)
        keyword = models.CharField(max_length=50, default="")
        token_bucket = models.CharField(max_length=50, default="")
        secretary = models.CharField(max_length=50, default="")
        cached = Cached(never=("secret",))

        class Meta:
            app_label = "zoo"

    found = check_secrets()
    named = ["api_key", "refresh_token", "password_hash", "otp"]
    assert [(message.id, message.msg.split("'")[1]) for message in found] == [("caching.W070", name) for name in named]


def test_the_models_of_the_settings_keep_their_secrets():
    user = apps.get_model("auth", "User")
    assert user in registry.models()
    assert check_secrets() == []

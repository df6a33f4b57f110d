"""Clients cannot influence the response heads of other clients, and what they send is not kept."""

import tracemalloc

import pytest
from django.core.handlers.wsgi import WSGIHandler

from serving.hot_lane import response_heads
from serving.hot_lane.response_heads import ResponseHeadCache

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]
HOST = {b"host": b"testserver"}


@pytest.fixture
def heads(settings):
    settings.ALLOWED_HOSTS = ["*"]
    handler = WSGIHandler()
    handler.load_middleware()
    return ResponseHeadCache(handler)


@pytest.mark.parametrize(
    "headers",
    [
        {b"cookie": b"sessionid=x; csrftoken=y; messages=z"},
        {b"origin": b"https://evil.example"},
        {b"accept-language": b"de"},
        {b"if-none-match": b"*"},
        {b"x-forwarded-proto": b"https"},
        {b"x-forwarded-host": b"evil.example"},
        {b"range": b"bytes=0-0"},
    ],
)
def test_other_headers_change_nothing(heads, headers):
    first = heads.get("http", HOST | headers)
    assert first == heads.get("http", HOST)
    assert first is not None


def test_made_up_hosts_displace_no_host_in_use(heads, monkeypatch):
    made = []
    make = heads._django.get_response
    monkeypatch.setattr(heads._django, "get_response", lambda request: made.append(request.get_host()) or make(request))
    for number in range(response_heads.MAX_CACHED + 100):
        heads.get("http", HOST)
        heads.get("http", {b"host": b"h%d.example" % number, b"cookie": b"csrftoken=x"})
    assert made.count("testserver") == 1


def test_long_hosts_are_not_kept(heads):
    tracemalloc.start()
    for number in range(200):
        assert heads.get("http", {b"host": b"%d" % number + b"a" * 300_000}) is None
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1_000_000


def test_the_scheme_decides(heads, settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 60
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    handler = WSGIHandler()
    handler.load_middleware()
    heads = ResponseHeadCache(handler)
    assert heads.get("http", HOST) is None
    assert heads.get("https", HOST | {b"x-forwarded-proto": b"http"}) is None
    assert heads.get("https", HOST | {b"x-forwarded-proto": b"ftp"}) is None
    secure = heads.get("http", HOST | {b"x-forwarded-proto": b"https, http"})
    assert secure == heads.get("http", HOST | {b"x-forwarded-proto": b" https"}) == heads.get("https", HOST)
    assert (b"strict-transport-security", b"max-age=60") in secure.asgi_headers


@pytest.mark.parametrize("uses_forwarded_host", [False, True])
def test_addresses_begin_as_in_django(settings, rf, uses_forwarded_host):
    settings.ALLOWED_HOSTS, settings.USE_X_FORWARDED_HOST = ["*"], uses_forwarded_host
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    handler = WSGIHandler()
    handler.load_middleware()
    heads = ResponseHeadCache(handler)
    for host in (b"a.example", b"a.example:8080", b"[::1]:80"):
        sent = {b"host": host, b"x-forwarded-proto": b"https", b"x-forwarded-host": b"b.example"}
        request = rf.get("/", headers={name.decode(): value.decode() for name, value in sent.items()})
        head = heads.get("http", sent)
        assert head is not None
        assert f"{head.base}/" == request.build_absolute_uri("/")
    settings.ALLOWED_HOSTS = ["a.example"]
    bad = {b"host": b"a.example", b"x-forwarded-host": b"c.example"}
    assert (heads.get("http", bad) is None) == uses_forwarded_host

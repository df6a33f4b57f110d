"""Everything that the hot lane answers, and its limits: status, headers and bytes equal Django's."""

import pytest

from tests.support.asgi_server import login
from tests.support.lane_domain import UNKNOWN, domain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def test_the_domain(world, alice, lane, django):
    for path in domain(*world):
        path = f"/api/v1/{path}"
        expected = django.ask(path, headers=login(alice))  # also fills the cache
        found = lane.ask(path, headers=login(alice))
        assert found.by_lane, path
        assert found.answer == expected.answer, path
        assert found.status == 200
        assert found.body


ODD = {
    "an unknown user": "users/{unknown}",
    "a deactivated user": "users/{dora}",
    "deactivated users": "users?ids={dora},{alice}",
    "the relationship to a deactivated user": "relationships?ids={dora},{bob}",
    "a bad id": "users/0",
    "an id with a zero": "users/01",
    "an id too long": f"users/{2**63}",
    "a private field of another": "users/{bob}?fields=email",
    "an unknown field": "users/{bob}?fields=id,nope",
    "no field": "users/{bob}?fields=",
    "another parameter": "users/{bob}?fields=id&x=1",
    "a field twice": "users/{bob}?fields=id&fields=bio",
    "an empty list": "users?ids=",
    "a comma too many": "users?ids={alice},,{bob}",
    "too many": "users?ids=" + ",".join(["1"] * 101),
    "ids twice": "users?ids={alice}&ids={bob}",
    "ids and a name": "users?ids={alice}&username=bob",
    "a name with an accent": "users?username=b%C3%B3b",
    "an empty name": "users?username=",
    "a name too long": "users?username=" + "a" * 31,
    "a name twice": "users?username=bob&username=alice",
    "a private field of a name": "users?username=bob&fields=email",
    "no profile": "users/profiles?ids=",
    "a profile behind a block": "users/profiles?ids={other}",
    "the state of a deactivated user": "users/{dora}/state",
    "a state behind a block": "users/{other}/state",
    "a state with a query": "users/{bob}/state?x=1",
    "followers of a deactivated user": "users/{dora}/followers",
    "followed users behind a block": "users/{other}/following",
    "a limit of nothing": "users/{bob}/followers?limit=0",
    "a page longer than the cached list": "users/{bob}/followers?limit=21",
    "a cursor of nobody": "users/{bob}/followers?cursor=abc",
    "followers of nobody": "users/{unknown}/followers",
    "a query of the own account": "users/me?fields=id",
    "an unknown item": "ratings/{unknown}",
    "items with a query": "ratings?ids=1&x=1",
    "an encoded ampersand": "users?ids={alice}%26fields=id",
    "an unknown kind": "counters?targets=user:1,nothing:2",
    "a target without id": "counters?targets=user",
    "digits that are not ASCII": "users/%D9%A3",
    "a slash at the end": "users/{bob}/",
    "an encoded slash": "users%2F{bob}",
    "an encoded digit": "users/%31",
    "broken UTF-8": "users/%ff",
    "a feed of too many": "feed?limit=101",
    "a feed of none": "feed?limit=0",
    "a feed from nowhere": "feed?cursor=abc",
    "a feed with another parameter": "feed?limit=3&x=1",
    "too many favourites": "favorites/check?ids=" + ",".join(["1"] * 201),
    "relationships with nothing": "relationships",
}


@pytest.mark.parametrize("path", ODD.values(), ids=ODD)
def test_what_is_odd_is_answered_by_django(world, alice, bob, dora, lane, django, path):
    other = world[0][-1].pk
    path = "/api/v1/" + path.format(alice=alice.pk, bob=bob.pk, dora=dora.pk, other=other, unknown=UNKNOWN)
    expected, found = django.ask(path, headers=login(alice)), lane.ask(path, headers=login(alice))
    assert found.answer == expected.answer
    assert found.status == 200 or not found.by_lane
    again = lane.ask(path, headers=login(alice))
    assert (again.answer, again.by_lane) == (found.answer, found.by_lane)


def strange_requests(alice, bob, dora):
    path, own = f"/api/v1/users/{bob.pk}", login(alice)
    yield "HEAD", path, own
    yield "POST", path, own
    yield "OPTIONS", path, own
    yield "GET", path, []
    yield "GET", path, [("authorization", "Bearer x.y.z")]
    yield "GET", path, [("authorization", own[0][1].replace("Bearer", "Basic"))]
    yield "GET", path, [("authorization", "Bearer \xe9")]
    yield "GET", path, [*own, *own]
    yield "GET", path, login(dora)
    yield "GET", path, [*own, ("host", "evil.example")]
    yield "GET", path, [*own, ("host", "")]
    yield "GET", path, [*own, ("x-forwarded-proto", "http")]
    yield "GET", path, [*own, ("content-length", "2")]
    yield "GET", path, [*own, ("transfer-encoding", "chunked")]
    yield "GET", path, [*own, ("expect", "200-ok")]


def test_strange_requests_are_answered_by_django(alice, bob, dora, settings, request):
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 3600
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    lane, django = request.getfixturevalue("lane"), request.getfixturevalue("django")
    for method, path, headers in strange_requests(alice, bob, dora):
        for _ in range(2):
            body = b"{}" if "content-length" in dict(headers) else b""
            expected = django.ask(path, method=method, headers=headers, body=body)
            found = lane.ask(path, method=method, headers=headers, body=body)
            assert found.answer == expected.answer, (method, headers)
            assert not found.by_lane, (method, headers)
    usual = lane.ask(f"/api/v1/users/{bob.pk}", headers=login(alice))
    assert usual.by_lane
    assert usual.headers["strict-transport-security"] == "max-age=3600"
    assert usual.headers["x-frame-options"] == "DENY"

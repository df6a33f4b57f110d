"""Throttles count a client once, whatever the spelling of its address, and its IPv6 network as a whole."""

import pytest

from caching.api import redis_client

pytestmark = pytest.mark.django_db(transaction=True)
WRONG = {"username": "nobody", "password": "x"}
SPELLINGS = {
    "one address in many spellings": (
        "203.0.113.7", "203.0.113.7:80", "203.0.113.7:81", "::ffff:203.0.113.7", "::FFFF:CB00:7107",
        "[::ffff:203.0.113.7]:82", "0:0:0:0:0:ffff:203.0.113.7",
    ),
    "one network of 64 bits": tuple(f"2001:db8:1:2:{n:x}::{n:x}" for n in range(7)),
    "one IPv6 address in many spellings": (
        "2001:db8:1:2::1", "2001:0DB8:0001:0002:0000:0000:0000:0001", "[2001:db8:1:2::1]:80", "2001:db8:1:2::1%eth0",
        "[2001:DB8:1:2::1%eth1]", "2001:db8:1:2:0::1", "[2001:db8:1:2::0.0.0.1]:9",
    ),
    "no address": ("", "unknown", "x" * 5_000, "203.0.113.7.1", "2001:db8::1::2", "\0", "203.0.113.256"),
}  # fmt: skip


def log_in(api, address: str, *, behind_a_proxy: bool) -> int:
    if behind_a_proxy:
        forwarded = {"headers": {"x-forwarded-for": f"198.51.100.1, {address}"}}
        return api.post("auth/token", WRONG, REMOTE_ADDR="10.0.0.1", **forwarded).status
    return api.post("auth/token", WRONG, REMOTE_ADDR=address).status


@pytest.fixture(params=[False, True], ids=["direct", "behind a proxy"])
def behind_a_proxy(request, settings):
    if request.param:
        settings.PROXIES = 1
        settings.MIDDLEWARE = ["config.middleware.client_address.ClientAddress", *settings.MIDDLEWARE]
    return request.param


@pytest.mark.parametrize("addresses", SPELLINGS.values(), ids=SPELLINGS)
def test_one_client_has_one_budget(api, settings, behind_a_proxy, addresses):
    settings.THROTTLES = {"token": (0.01, 3)}
    assert [log_in(api, each, behind_a_proxy=behind_a_proxy) for each in addresses] == [401] * 3 + [429] * 4
    assert len(redis_client().keys("*throttle:token*")) == 1


def test_other_networks_have_budgets_of_their_own(api, settings, behind_a_proxy):
    settings.THROTTLES = {"token": (0.01, 1)}
    for address in ("203.0.113.7", "203.0.113.8", "2001:db8:1:2::1", "2001:db8:1:3::1"):
        assert [log_in(api, address, behind_a_proxy=behind_a_proxy) for _ in range(2)] == [401, 429]

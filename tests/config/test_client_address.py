"""The client's address is taken from X-Forwarded-For only as far as the configured proxies have written it."""

import pytest
from django.test import RequestFactory

from config.middleware.client_address import ClientAddress

CASES = {
    (1, "203.0.113.7"): "203.0.113.7",
    (1, "198.51.100.9, 203.0.113.7"): "203.0.113.7",
    (2, "198.51.100.9, 203.0.113.7, 10.0.0.1"): "203.0.113.7",
    (2, "203.0.113.7"): "10.9.9.9",
    (1, ""): "10.9.9.9",
    (1, "203.0.113.7:51234"): "203.0.113.7",
    (1, "::ffff:203.0.113.7"): "203.0.113.7",
    (1, "[::FFFF:cb00:7107]:443"): "203.0.113.7",
    (1, "2001:DB8:0:0:0:0:0:1"): "2001:db8::1",
    (1, "[2001:db8::1]:443"): "2001:db8::1",
    (1, "fe80::1%eth0"): "fe80::1",
    (1, "[fe80::1%25eth0]"): "fe80::1",
    # What is not an address counts as the connection's.
    (1, "203.0.113.7,"): "10.9.9.9",
    (1, "unknown"): "10.9.9.9",
    (1, "_hidden"): "10.9.9.9",
    (1, "203.0.113.007"): "10.9.9.9",
    (1, "203.0.113.7:x"): "10.9.9.9",
    (1, "[203.0.113.7"): "10.9.9.9",
    (1, "1" * 5_000): "10.9.9.9",
    (1, "203.0.113.7 198.51.100.9"): "10.9.9.9",
}


@pytest.mark.parametrize(("proxies", "forwarded"), CASES)
def test_client_address(proxies, forwarded, settings):
    settings.PROXIES = proxies
    request = RequestFactory().get("/", headers={"x-forwarded-for": forwarded}, REMOTE_ADDR="10.9.9.9")
    assert ClientAddress(lambda request: request.META["REMOTE_ADDR"])(request) == CASES[proxies, forwarded]

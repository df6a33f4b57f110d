"""Addresses of clients, in one spelling each, and the part of an address that one client owns."""

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

OWNED_BITS = 64  # of an IPv6 address: a subscriber has at least this network, and so all addresses in it
_WITH_PORT = re.compile(r"\[([^\[\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


def parse_address(text: str) -> Address | None:
    """Return the address that a server or a proxy wrote, or None if the text is not an address.

    A port, brackets and a zone are left out, and an IPv4 address that is written as IPv6 is IPv4: "203.0.113.7:80",
    "[::ffff:203.0.113.7]:80" and "::FFFF:cb00:7107%eth0" are the same address.
    """
    match = _WITH_PORT.fullmatch(text.strip())
    host = (match[1] or match[2]) if match else text.strip()
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def owned_network(address: Address) -> str:
    """Return what throttles count as one client: an IPv4 address, or the network of 64 bits of an IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, OWNED_BITS), strict=False))

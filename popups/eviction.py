"""Whether Redis may evict what popups cannot do without: states with new events, totals and streams have no expiry.

By maxmemory-policy allkeys-… Redis evicts them as if they were entries of the cache: showings and dismissals would be
lost, and popups shown again too early. Then none is shown and no event is taken until the policy is another one.
"""

import logging
import time
from collections.abc import Mapping

from caching.operate import FAILURES, breaker, each_server

MAX_AGE_S = 2.0
UNSAFE = "allkeys-"
logger = logging.getLogger(__name__)
_looked_at, _unsafe = float("-inf"), ""


def is_known() -> bool:
    """Return whether unsafe_server() answers without asking Redis."""
    return time.monotonic() - _looked_at < MAX_AGE_S


def unsafe_server() -> str:
    """Return a sentence on a server of Redis that may evict what was shown, "" for none; asks every MAX_AGE_S."""
    return _unsafe if is_known() else look()


def look() -> str:
    """Ask each server; return a sentence on one that may evict what was shown, which is logged once, "" for none.

    Where Redis is away, or refuses INFO, what was known of it before goes on to hold.
    """
    global _looked_at, _unsafe
    _looked_at = time.monotonic()
    if not breaker.may_read():
        return _unsafe
    try:
        found = ask()
    except FAILURES as error:
        logger.debug("The policy of eviction cannot be asked: %s", error)
        return _unsafe
    if found != _unsafe:
        logger.error("No popup is shown: %s", found) if found else logger.warning("Popups are shown again.")
    _unsafe = found
    return found


def ask() -> str:
    """Ask each server now; return a sentence on one that may evict what was shown, "" for none.

    Servers of a cluster that are away are left out; raises FAILURES where all are.
    """
    servers, failures = each_server(), []
    for name, send in servers.items():
        try:
            (info,) = send([("INFO", "memory")])
        except FAILURES as error:
            failures.append(error)
            continue
        told = parse_info(info)
        if evicts_all_keys(told):
            return (
                f"Redis {name} may evict what was shown (maxmemory-policy {told['maxmemory_policy']}): "
                "set volatile-lru, or noeviction, and popups go on within seconds."
            )
    if len(failures) == len(servers):
        raise failures[0]
    return ""


def parse_info(reply: bytes) -> dict[str, str]:
    """Return the fields of an answer to INFO."""
    return dict(line.split(":", 1) for line in reply.decode().splitlines() if ":" in line)


def evicts_all_keys(info: Mapping[str, str]) -> bool:
    """Return whether a server evicts keys without an expiry, too, by what INFO has told."""
    return info.get("maxmemory_policy", "").startswith(UNSAFE) and info.get("maxmemory") != "0"


def forget() -> None:
    """Know nothing, as a process that has just started; for tests."""
    global _looked_at, _unsafe
    _looked_at, _unsafe = float("-inf"), ""

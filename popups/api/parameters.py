"""Parsing of the query parameters of the next popup."""

import logging
from functools import lru_cache
from urllib.parse import unquote_plus

from api.problems import bad_input
from popups import rules, versions
from popups.config.compile import ClientContext

MOST_LOGGED = 100
logger = logging.getLogger(__name__)
_logged: set[str] = set()


@lru_cache(maxsize=1_000)
def client_context(placement: str | None, platform: str | None, version: str | None) -> ClientContext:
    """Parse the parameters of a client; raises Problem with status 400. What is no version is as if none was sent."""
    if placement is None or not rules.is_slug(placement):
        raise bad_input("placement", "Name the placement, a word such as home.", "bad_placement")
    if platform is not None and not rules.is_slug(platform):
        raise bad_input("platform", "A platform is a word such as ios.", "bad_platform")
    parsed = versions.parse_version(version) if version else None
    if version and parsed is None:
        _log_once(ascii(version))
    return ClientContext(placement.lower(), (platform or "").lower(), parsed)


@lru_cache(maxsize=1_000)
def encoded_client_context(placement: str, platform: str | None, version: str | None) -> ClientContext:
    """Parse the parameters of a client, of which the version is as the address has it."""
    return client_context(placement, platform, None if version is None else shortened(unquote_plus(version)))


def shortened(version: str) -> str:
    """Return a version without what makes it too long to be one, so that a cache of such texts has a bounded size."""
    return version[: versions.LONGEST + 1]


def _log_once(version: str) -> None:
    """Log a text that a client sent as its version; the first MOST_LOGGED different ones of this process."""
    if version in _logged or len(_logged) >= MOST_LOGGED:
        return
    _logged.add(version)
    logger.warning("Popups: %s is no version of an app; the client is taken as one that sent none.", version)
    if len(_logged) == MOST_LOGGED:
        logger.warning("Popups: further texts that are no versions will not be logged.")

"""Parsing of the query parameters of the next popup."""

from functools import lru_cache

from api.problems import bad_input
from popups import rules
from popups.config.compile import ClientContext


@lru_cache(maxsize=1_000)
def client_context(placement: str | None, platform: str | None, version: str | None) -> ClientContext:
    """Parse the parameters of a client; raises Problem with status 400."""
    if placement is None or not rules.is_slug(placement):
        raise bad_input("placement", "Name the placement, a word such as home.", "bad_placement")
    if platform is not None and not rules.is_slug(platform):
        raise bad_input("platform", "A platform is a word such as ios.", "bad_platform")
    parsed = None if version is None else rules.parse_version(version)
    if version is not None and parsed is None:
        raise bad_input("app_version", "A version is 1 to 4 numbers with dots between, such as 3.2.0.", "bad_version")
    return ClientContext(placement.lower(), (platform or "").lower(), parsed)

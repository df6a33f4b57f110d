"""The route of the next popup in the hot lane, for requests with the parameters in the order of the contract."""

from functools import lru_cache

from api.problems import bad_input
from popups import rules
from popups.config.compile import ClientContext
from popups.delivery.next_popup import NextPopup
from serving.hot_lane.routes import Route


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


ROUTES = (
    Route(
        "popups/next",
        r"placement=([A-Za-z0-9_-]+)(?:&platform=([A-Za-z0-9_-]+))?(?:&app_version=([0-9.]+))?",
        lambda batch, caller_id, *params: NextPopup(batch, caller_id, client_context(*params)),
    ),
)

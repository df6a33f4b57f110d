"""The route of the next popup in the hot lane, for requests with the parameters in the order of the contract."""

from popups.api.parameters import client_context
from popups.delivery.next_popup import NextPopup
from serving.api import Route

ROUTES = (
    Route(
        "popups/next",
        r"placement=([A-Za-z0-9_-]+)(?:&platform=([A-Za-z0-9_-]+))?(?:&app_version=([0-9.]+))?",
        lambda batch, caller_id, *params: NextPopup(batch, caller_id, client_context(*params)),
    ),
)

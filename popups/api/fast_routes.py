"""The route of the next popup in the hot lane, for requests with the parameters in the order of the contract."""

from popups.api.parameters import encoded_client_context
from popups.delivery.next_popup import NextPopup
from popups.writes import EventWrite
from serving.api import Route, WriteRoute

ROUTES = (
    Route(
        "popups/next",
        r"placement=([A-Za-z0-9_-]+)(?:&platform=([A-Za-z0-9_-]+))?(?:&app_version=([A-Za-z0-9.+%()~_-]{1,100}))?",
        lambda batch, caller_id, *params: NextPopup(batch, caller_id, encoded_client_context(*params)),
    ),
    WriteRoute(
        "POST",
        "popups/{id}/events",
        EventWrite,
        rb'\s*\{\s*"claim"\s*:\s*"([A-Za-z0-9_-]{1,64})"\s*,\s*"type"\s*:\s*"(click|dismiss)"\s*\}\s*',
    ),
)

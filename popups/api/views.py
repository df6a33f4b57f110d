"""The views of popups."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.request import Request

from api.ids import parse_id
from api.inputs import validated
from api.reads import answer
from api.schema import described, id_in_path
from api.views import BatchedView
from api.writes import answer_write
from caching.api import Batch
from popups import rules
from popups.api.parameters import client_context, shortened
from popups.api.schemas import output
from popups.api.schemas.input import EventInput
from popups.delivery.next_popup import NextPopup
from popups.writes import EventWrite

SLUG = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$", "maxLength": rules.SLUG_LENGTH}
VERSION = {"type": "string"}


def _parameter(name: str, schema: dict[str, Any], text: str, value: str, *, required: bool = False) -> OpenApiParameter:
    examples = [OpenApiExample("Example", value)]
    return OpenApiParameter(name, schema, description=text, required=required, examples=examples)


class NextView(BatchedView):
    """Endpoint /api/v1/popups/next: GET returns the popup to show now, or null, and counts it as shown."""

    http_method_names = ("get",)  # no HEAD: the request counts as a showing

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        query = request.query_params
        version = shortened(query.get("app_version", ""))
        client = client_context(query.get("placement"), query.get("platform"), version)
        self.next_popup = NextPopup(batch, caller_id, client)

    @described(
        answers={200: output.NextPopup},
        problems=("bad_placement", "bad_platform"),
        query=[
            _parameter("placement", SLUG, "Where in the app, such as home.", "home", required=True),
            _parameter("platform", SLUG, "Such as ios. Without it: popups for all platforms only.", "ios"),
            _parameter(
                "app_version",
                VERSION,
                "As builds are called: 3.2.0-beta, 3.2.0 (42). Without it: popups for all versions.",
                "3.2.0",
            ),
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        """Get the popup to show now, if one is due.

        It counts as shown to the caller, on all devices. Ask again at `next_check_at`, not earlier.
        """
        return answer(self.next_popup)


class EventsView(BatchedView):
    """Endpoint /api/v1/popups/{id}/events: POST records a click or dismissal in a Redis stream."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, popup_id: str) -> None:
        self.write = EventWrite(batch, caller_id, parse_id(popup_id))

    @described(
        answers={202: None},
        body=EventInput,
        problems=("not_found", "events_unavailable"),
        query=[id_in_path("popup_id")],
    )
    def post(self, request: Request, popup_id: str) -> HttpResponse:
        """Report a click on a popup, or its dismissal.

        Counted once for each claim and type, so it may be repeated.
        """
        event = validated(EventInput, request.data)
        self.write.claim, self.write.type = event["claim"], event["type"]
        return answer_write(self.write)

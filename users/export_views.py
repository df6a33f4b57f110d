"""The export of the caller's account over HTTP."""

from collections.abc import Iterator
from itertools import islice

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework.request import Request

from api.json import MEDIA_TYPE
from api.schema import described
from api.views import BatchedView
from users import exports

# Open, because each room adds the rows that it has.
EXPORT = OpenApiResponse(
    {
        "type": "object",
        "title": "AccountExport",
        "description": "When it was made, and each kind of rows under its name.",
        "properties": {"exported_at": {"type": "string", "format": "date-time"}},
        "required": ["exported_at"],
        "additionalProperties": {},
    },
    examples=[
        OpenApiExample(
            "Example",
            {
                "exported_at": "2026-05-04T08:30:00.000000Z",
                "account": {"id": 7, "username": "ann", "nickname": "Ann", "email": "ann@example.com"},
                "likes": [{"post": 7, "created_at": "2026-05-04T08:29:30.000000Z"}],
            },
        )
    ],
)
READ_AHEAD = 3  # pieces: the beginning and the account


class ExportResponse(StreamingHttpResponse):
    """A response that serving.bridge makes piece by piece, each on any thread, so that no slow client holds one."""

    is_piecewise = True


class OwnExportView(BatchedView):
    """Endpoint /api/v1/users/me/export: GET returns all rows that are the caller's."""

    throttle = "export"

    @described(answers={200: EXPORT})
    def get(self, request: Request) -> ExportResponse:
        """Export the own account.

        All rows that are the caller's: profile, state, logins, follows, blocks, posts, comments, likes, favourites,
        scores and popups, each kind of rows under its name. An answer that was cut short is no valid JSON.
        """
        pieces = exports.export(self.caller_id)
        first = b"".join(islice(pieces, READ_AHEAD))  # what fails here is answered as a problem
        content = iter(()) if request.method == "HEAD" else _chained(first, pieces)
        response = ExportResponse(content, content_type=MEDIA_TYPE)
        response["Content-Disposition"] = 'attachment; filename="account.json"'
        response["Cache-Control"] = "no-store"
        return response


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest

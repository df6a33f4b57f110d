"""The export of the caller's account over HTTP."""

from collections.abc import Iterator
from itertools import islice

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from api.json import MEDIA_TYPE
from api.schema import described
from api.views import BatchedView
from users import exports

READ_AHEAD = 3  # pieces: the beginning and the account


class ExportResponse(StreamingHttpResponse):
    """A response that serving.bridge makes piece by piece, each on any thread, so that no slow client holds one."""

    is_piecewise = True


class OwnExportView(BatchedView):
    """Endpoint /api/v1/users/me/export: GET returns all rows that are the caller's."""

    throttle = "export"

    @described(answers={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> ExportResponse:
        """Export the caller's account: its profile, state, logins, follows, blocks, posts, comments, likes, favourites,
        scores and popups. An answer that was cut short is no valid JSON."""
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

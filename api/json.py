"""JSON in and out through msgspec: strict where Python's own is lax (NaN, lone surrogates), and fast."""

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder

MEDIA_TYPE = "application/json"


def encoded(data: Any) -> bytes:
    """`data` as JSON in UTF-8; times in RFC 3339; what msgspec does not know (lazy text …) as DRF would."""
    return _encoder.encode(data)


def json_response(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(encoded(data), status=status, content_type=MEDIA_TYPE)


def no_content(status: int = 204) -> HttpResponse:
    response = HttpResponse(status=status)
    del response["Content-Type"]
    return response


_encoder = msgspec.json.Encoder(enc_hook=JSONEncoder().default)
_decoder = msgspec.json.Decoder()


class JSONParser(BaseParser):
    media_type = MEDIA_TYPE

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        if _charset(media_type or "") not in {"", "utf-8", "utf8"}:
            raise UnsupportedMediaType(media_type, "The body has to be JSON in UTF-8.")
        # HttpRequest.body refuses what is larger than DATA_UPLOAD_MAX_MEMORY_SIZE; reading the stream would not.
        body = stream.body if isinstance(stream, HttpRequest) else stream.read()
        try:
            return _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from None


class JSONRenderer(BaseRenderer):
    """For views that answer with DRF's Response."""

    media_type = MEDIA_TYPE
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else encoded(data)


def _charset(media_type: str) -> str:
    for part in media_type.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""

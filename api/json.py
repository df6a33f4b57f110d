"""JSON through msgspec, which is faster and stricter than Python's own module (NaN, lone surrogates)."""

import datetime
import re
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder

MEDIA_TYPE = "application/json"
Z, DOT = b"Z."
SHORTEST = len('"2024-05-06T07:08:09')
_WHOLE_SECONDS = re.compile(rb'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"')


def encoded(data: Any) -> bytes:
    """Return data as JSON in UTF-8, with times in RFC 3339, which have six digits of fraction.

    DRF encodes the types that msgspec does not know.
    """
    if type(data) is msgspec.Raw:
        return bytes(data)
    text = _encode(data)
    # msgspec leaves out a fraction of zero. Such times are rare, so only what ends like a time in UTC is looked at.
    find = text.find
    at = find(Z, SHORTEST)
    while at >= 0:
        if text[at - 7] != DOT and _WHOLE_SECONDS.match(text, at - SHORTEST):
            return _encode(_with_fractions(data))
        at = find(Z, at + 1)
    return text


def time_text(time: datetime.datetime) -> str:
    """Return a time as it is shown. Documents with many times have such texts: a fraction of zero is rare, but not in
    data from elsewhere, and costs encoded() a second look at all of a document."""
    text = time.isoformat(timespec="microseconds")
    return text[:-6] + "Z" if text[-6:] == "+00:00" else time_text(time.astimezone(datetime.UTC))


def _with_fractions(data: Any) -> Any:
    """Return data in which times are texts. What is JSON already (msgspec.Raw) has no other times."""
    if isinstance(data, datetime.datetime):
        return time_text(data)
    if isinstance(data, msgspec.Struct):
        fields = zip(data.__struct_encode_fields__, msgspec.structs.astuple(data), strict=True)
        data = {name: value for name, value in fields if value is not msgspec.UNSET}
    if isinstance(data, dict):
        return {key: _with_fractions(value) for key, value in data.items()}
    return [_with_fractions(each) for each in data] if isinstance(data, list | tuple) else data


def without_times(data: Any) -> msgspec.Raw:
    """Return data as JSON, which saves encoded() the look for times. They have to be texts already."""
    return msgspec.Raw(_encode(data))


def json_response(data: Any, status: int = 200) -> HttpResponse:
    """Return a response with data as JSON."""
    return HttpResponse(encoded(data), status=status, content_type=MEDIA_TYPE)


def no_content(status: int = 204) -> HttpResponse:
    """Return a response without a body."""
    response = HttpResponse(status=status)
    del response["Content-Type"]
    return response


_encode_others = JSONEncoder().default
_encode = msgspec.json.Encoder(enc_hook=_encode_others).encode
_decoder = msgspec.json.Decoder()


class JSONParser(BaseParser):
    """Parses JSON bodies in UTF-8; raises UnsupportedMediaType for other charsets, and ParseError for bad JSON."""

    media_type = MEDIA_TYPE

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        if _charset(media_type or "") not in {"", "utf-8", "utf8"}:
            raise UnsupportedMediaType(media_type or "", "The body has to be JSON in UTF-8.")
        # HttpRequest.body, unlike the stream, enforces DATA_UPLOAD_MAX_MEMORY_SIZE.
        body = stream.body if isinstance(stream, HttpRequest) else stream.read()
        try:
            return _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from None


class JSONRenderer(BaseRenderer):
    """Renders the data of DRF's Response objects."""

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

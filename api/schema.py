"""OpenAPI descriptions of endpoints: their answers, and the problems that they may answer with.

The test suite validates all answers against the schema, so the schema is closed: undeclared fields are not allowed.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from api import codes
from api.cursors import MOST, PAGE
from api.ids import CAP, LARGEST

__all__ = ["AutoSchema"]

PROBLEM = "application/problem+json"
ERROR_CODES = [(code, code) for code in codes.CODES]
ID = {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST}


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="Names this request: repeated with the same key within 24 hours, it gets the first answer again.",
)


class Problem(serializers.Serializer):
    """An error in the format of RFC 9457; `code` is for programs, `detail` for people."""

    type = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    status = serializers.IntegerField(read_only=True)
    detail = serializers.CharField(read_only=True)
    code = serializers.ChoiceField(choices=ERROR_CODES, read_only=True)


class BadInput(Problem):
    """An error in the request; `errors` lists the messages by field."""

    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


def described(
    *,
    answers: Mapping[int, Any],
    problems: Sequence[int] = (),
    query: Sequence[OpenApiParameter] = (),
    body: type[serializers.BaseSerializer] | None = None,
    public: bool = False,
    **options: Any,
) -> Any:
    """Describe a handler. `problems` are its own error statuses; the statuses of all handlers of its kind are added."""
    statuses = {*problems, 429, 503}
    if not public:
        statuses.add(401)
    if query or body:
        statuses.add(400)
    if body:
        statuses |= {411, 413, 415}
    security: Any = [] if public else [{"bearer": []}]

    def describe(handler: Any) -> Any:
        is_idempotent = getattr(handler, "is_idempotent", False)
        own = statuses | ({409, 422} if is_idempotent else set())
        documents = {(status, PROBLEM): _problem(status) for status in sorted(own)}
        parameters = [*query, *([IDEMPOTENCY_KEY] if is_idempotent else [])]
        answered: dict[Any, Any] = {**answers, **documents}
        return extend_schema(request=body, parameters=parameters, responses=answered, auth=security, **options)(handler)

    return describe


def _problem(status: int) -> OpenApiResponse:
    named = ", ".join(f"`{code}`" for code in codes.of_status(status))
    description = f"{HTTPStatus(status).phrase}: {named}"
    return OpenApiResponse(BadInput if status == 400 else Problem, description=description)


def id_in_path(name: str) -> OpenApiParameter:
    """Describe an id in the path."""
    return OpenApiParameter(name, ID, OpenApiParameter.PATH)


def ids_query(*, required: bool = True, cap: int = CAP) -> OpenApiParameter:
    """Describe the `ids` parameter."""
    ids = {"type": "array", "items": ID, "minItems": 1, "maxItems": cap}
    text = f"Up to {cap} ids, counted with duplicates; answered in this order without them."
    return OpenApiParameter("ids", ids, description=text, required=required, explode=False, style="form")


def fields_query(names: Sequence[str]) -> OpenApiParameter:
    """Describe the `fields` parameter."""
    fields = {"type": "array", "items": {"type": "string", "enum": list(names)}, "minItems": 1}
    return OpenApiParameter("fields", fields, description="Only these fields.", explode=False, style="form")


def page_query(size: int = PAGE) -> list[OpenApiParameter]:
    """Describe the `cursor` and the `limit` of a list with `size` rows on a page by default."""
    cursor = OpenApiParameter("cursor", str, description="From `next` or `previous` of another page.")
    return [cursor, limit_query(size)]


def limit_query(size: int) -> OpenApiParameter:
    """Describe the `limit` of a list with `size` rows by default."""
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": size}
    return OpenApiParameter("limit", limit, description="The most rows to answer.")


def page_of(item: type[serializers.BaseSerializer], name: str) -> type[serializers.Serializer]:
    """Return a serializer that describes a page of items (see api.cursors.Paging), as a named component."""
    link: Any = {"read_only": True, "allow_null": True}
    columns = {
        "results": item(many=True, read_only=True),
        "next": serializers.URLField(**link),
        "previous": serializers.URLField(**link),
    }
    return type(name, (serializers.Serializer,), columns)


def close_objects(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocess the schema: forbid undeclared fields in all objects."""
    for component in result["components"]["schemas"].values():
        if component.get("type") == "object":
            component.setdefault("additionalProperties", False)
    return result

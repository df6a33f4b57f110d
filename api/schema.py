"""What the OpenAPI schema says about an endpoint: its answers, and every problem it may answer with.

The schema is a promise that the test suite holds all its answers against, so it is closed: a field that is not
declared must not appear.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from api.ids import CAP, LARGEST

__all__ = ["AutoSchema"]

PROBLEM = "application/problem+json"
ID = {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST}


class Problem(serializers.Serializer):
    """An error, after RFC 9457; `code` is for programs, `detail` for people."""

    type = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    status = serializers.IntegerField(read_only=True)
    detail = serializers.CharField(read_only=True)
    code = serializers.CharField(read_only=True)


class BadInput(Problem):
    """An error in what was sent, by field."""

    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), required=False)


def described(
    *,
    answers: Mapping[int, Any],
    problems: Sequence[int] = (),
    query: Sequence[OpenApiParameter] = (),
    body: type[serializers.BaseSerializer] | None = None,
    public: bool = False,
    **more: Any,
) -> Any:
    """Decorates a handler. `problems` are the statuses of its own; those that its kind can always give are added."""
    statuses = {*problems, 429, 503}
    if not public:
        statuses.add(401)
    if query or body:
        statuses.add(400)
    if body:
        statuses |= {411, 413, 415}
    documents = {(status, PROBLEM): _problem(status) for status in sorted(statuses)}
    security = [] if public else [{"bearer": []}]
    return extend_schema(
        request=body, parameters=list(query), responses={**answers, **documents}, auth=security, **more
    )


def _problem(status: int) -> OpenApiResponse:
    return OpenApiResponse(BadInput if status == 400 else Problem, description=HTTPStatus(status).phrase)


def id_in_path(name: str) -> OpenApiParameter:
    return OpenApiParameter(name, ID, OpenApiParameter.PATH)


def ids_query(*, required: bool = True, cap: int = CAP) -> OpenApiParameter:
    ids = {"type": "array", "items": ID, "minItems": 1, "maxItems": cap}
    text = f"Up to {cap} ids, counted with duplicates; answered in this order without them."
    return OpenApiParameter("ids", ids, description=text, required=required, explode=False, style="form")


def fields_query(names: Sequence[str]) -> OpenApiParameter:
    fields = {"type": "array", "items": {"type": "string", "enum": list(names)}, "minItems": 1}
    return OpenApiParameter("fields", fields, description="Only these fields.", explode=False, style="form")


def cursor_query() -> OpenApiParameter:
    return OpenApiParameter("cursor", str, description="From `next` or `previous` of another page.")


def page_of(item: type[serializers.BaseSerializer], name: str) -> type[serializers.Serializer]:
    """The document that api.cursors.page makes, under a component name of its own."""
    link = {"read_only": True, "allow_null": True}
    columns = {
        "results": item(many=True, read_only=True),
        "next": serializers.URLField(**link),
        "previous": serializers.URLField(**link),
    }
    return type(name, (serializers.Serializer,), columns)


def close_objects(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook: what is not declared is not allowed."""
    for component in result["components"]["schemas"].values():
        if component.get("type") == "object":
            component.setdefault("additionalProperties", False)
    return result

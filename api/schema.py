"""OpenAPI descriptions of endpoints: their answers, the problems that they may answer with, and examples of each.

The summary of an operation is the first line of its handler's docstring, the description the rest of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from drf_spectacular import openapi
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers

from api.codes import CODES
from api.cursors import MOST, PAGE
from api.ids import CAP, LARGEST

PROBLEM = "application/problem+json"
ID = {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST}
# The choices of `code`; the labels become the list of codes in the document.
ERROR_CODES = [(name, f"{' or '.join(map(str, code.statuses))}: {code.meaning}") for name, code in CODES.items()]
ANSWERED = ("200", "201", "202")  # the statuses with a body of JSON
# The codes of the problems that requests of each kind may be answered with.
ALWAYS = ("bad_request", "throttled", "database_unavailable")
AUTHENTICATED = ("not_authenticated", "token_not_valid", "user_inactive")
WITH_BODY = (
    "bad_input", "parse_error", "length_required", "too_large", "unsupported_media_type", "too_busy",
)  # fmt: skip
OF_PARAMETERS = {
    "ids": ("bad_id", "no_ids", "too_many_ids"),
    "fields": ("unknown_field",),
    "cursor": ("bad_cursor",),
    "limit": ("bad_limit",),
    "Idempotency-Key": ("bad_idempotency_key", "in_progress", "idempotency_mismatch"),
}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="Names this request: repeated with the same key within 24 hours, it gets the first answer again.",
)


class AutoSchema(openapi.AutoSchema):
    """Describes an operation by the docstring of its handler, under the tag of its room."""

    def get_summary(self) -> str:
        return self._docstring().partition("\n")[0]

    def get_description(self) -> str:  # type: ignore[override]
        return self._docstring().partition("\n")[2].strip()

    def get_tags(self) -> list[str]:
        first = super().get_tags()
        return first if first == ["auth"] else [type(self.view).__module__.partition(".")[0]]

    def _get_request_body(self, direction: Any = "request") -> Any:
        # drf-spectacular leaves out the bodies of DELETE, which OpenAPI has since 3.1.
        method = self.method
        self.method = "POST" if method == "DELETE" else method
        try:
            return super()._get_request_body(direction)
        finally:
            self.method = method

    def _docstring(self) -> str:
        return super().get_description()


class Problem(serializers.Serializer):
    """An error in the format of RFC 9457; `code` is for programs, `detail` for people."""

    type = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    status = serializers.IntegerField(min_value=400, max_value=599, read_only=True)
    detail = serializers.CharField(read_only=True)
    code = serializers.ChoiceField(read_only=True, choices=ERROR_CODES)


class BadInput(Problem):
    """An error in the request; `errors` lists the messages by field."""

    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


def described(
    *,
    answers: Mapping[int, Any],
    problems: Iterable[str] = (),
    query: Sequence[OpenApiParameter] = (),
    body: type[serializers.BaseSerializer] | None = None,
    public: bool = False,
    **options: Any,
) -> Any:
    """Describe a handler. `problems` are the codes of its own problems; those of all handlers of its kind are added."""
    own = {*problems, *ALWAYS, *(() if public else AUTHENTICATED), *(WITH_BODY if body else ())}
    security: Any = [] if public else [{"bearer": []}]

    def describe(handler: Any) -> Any:
        is_idempotent = getattr(handler, "is_idempotent", False)
        parameters = [*query, *([IDEMPOTENCY_KEY] if is_idempotent else [])]
        answered: dict[Any, Any] = {**answers, **_problems(own.union(*map(_of_parameter, parameters)))}
        return extend_schema(request=body, parameters=parameters, responses=answered, auth=security, **options)(handler)

    return describe


def _of_parameter(parameter: OpenApiParameter) -> tuple[str, ...]:
    return ("bad_id",) if parameter.location == OpenApiParameter.PATH else OF_PARAMETERS.get(parameter.name, ())


def _problems(codes: Iterable[str]) -> dict[tuple[int, str], OpenApiResponse]:
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes, key=list(CODES).index):
        by_status.setdefault(CODES[code].statuses[0], []).append(code)
    return {(status, PROBLEM): _problem(status, own) for status, own in sorted(by_status.items())}


def _problem(status: int, codes: Sequence[str]) -> OpenApiResponse:
    examples = [OpenApiExample(code, problem_example(code), media_type=PROBLEM) for code in codes]
    text = f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in codes)}."
    return OpenApiResponse(BadInput if status == 400 else Problem, description=text, examples=examples)


def problem_example(code: str) -> dict[str, Any]:
    """Return an example of the problem document with a code."""
    (status, *_), meaning = CODES[code]
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": meaning, "code": code}


def example(value: Any) -> Any:
    """Decorate a serializer with an example of its JSON, which example_of() returns."""

    def decorate(kind: Any) -> Any:
        kind.example = value
        return extend_schema_serializer(examples=[OpenApiExample("Example", value, status_codes=ANSWERED)])(kind)

    return decorate


def example_of(kind: Any) -> Any:
    """Return the example of a serializer that is decorated with one."""
    return kind.example


def id_in_path(name: str, value: int = 7) -> OpenApiParameter:
    """Describe an id in the path, with an example of it."""
    return OpenApiParameter(name, ID, OpenApiParameter.PATH, examples=[OpenApiExample("Example", value)])


def ids_query(*, required: bool = True, cap: int = CAP) -> OpenApiParameter:
    """Describe the `ids` parameter."""
    ids = {"type": "array", "items": ID, "minItems": 1, "maxItems": cap}
    text = f"Up to {cap} ids, counted with duplicates; answered in this order without them."
    examples = [OpenApiExample("Example", [3, 1, 2])]
    return OpenApiParameter(
        "ids", ids, description=text, required=required, explode=False, style="form", examples=examples
    )


def fields_query(names: Sequence[str]) -> OpenApiParameter:
    """Describe the `fields` parameter."""
    fields = {"type": "array", "items": {"type": "string", "enum": list(names)}, "minItems": 1}
    return OpenApiParameter("fields", fields, description="Only these fields.", explode=False, style="form")


def page_query(size: int = PAGE) -> list[OpenApiParameter]:
    """Describe the `cursor` and the `limit` of a list with `size` rows on a page by default."""
    text = "The position of another page: follow its link `next` or `previous`, or take the cursor out of it."
    return [OpenApiParameter("cursor", str, description=text), limit_query(size)]


def limit_query(size: int) -> OpenApiParameter:
    """Describe the `limit` of a list with `size` rows by default."""
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": size}
    return OpenApiParameter("limit", limit, description="The most rows to answer.")


def page_of(item: Any, name: str, path: str) -> type[serializers.Serializer]:
    """Return a serializer that describes a page of items (see api.cursors.Paging), as a named component.

    `path` is an address of such a page, for the example of its links.
    """
    link: Any = {"read_only": True, "allow_null": True}
    columns = {
        "results": item(many=True, read_only=True),
        "next": serializers.URLField(**link),
        "previous": serializers.URLField(**link),
    }
    links = {"next": f"https://api.example.com/api/v1/{path}?cursor=l8gJq2mZzkSSwgE", "previous": None}
    page = type(name, (serializers.Serializer,), columns)
    described_page: type[serializers.Serializer] = example({"results": [example_of(item)], **links})(page)
    return described_page

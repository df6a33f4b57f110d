"""Checks of HTTP answers against the OpenAPI schema."""

import re
from datetime import date, datetime
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from api.schema_generator import OnceGenerator

PROBLEM = "application/problem+json"
formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_time_in_utc(value: Any) -> bool:
    return not isinstance(value, str) or (value.endswith("Z") and bool(datetime.fromisoformat(value)))


@formats.checks("date", raises=ValueError)
def _is_date(value: Any) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@cache
def document() -> dict[str, Any]:
    """Return the document with closed objects: clients ignore fields that they do not know, but these tests do not."""
    return _closed(OnceGenerator().get_schema())


def check(method: str, path: str, status: int, content_type: str | None, body: Any) -> None:
    """Raise AssertionError or ValidationError for an answer that the schema does not describe."""
    operation = _operation("GET" if method == "HEAD" else method, path)
    if operation is None:
        assert status in {404, 405, 413}, f"{method} {path} is not in the schema and answered {status}"
        described = {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    else:
        described = operation["responses"].get(str(status))
        assert described is not None, f"{method} {path} answered {status}, which is not in the schema: {body}"
    if "content" not in described:
        assert (content_type, body) == (None, None), f"{method} {path} answered {status} with a body"
        return
    assert content_type in described["content"], f"{method} {path} answered {status} as {content_type}"
    if method != "HEAD":
        validate(described["content"][content_type]["schema"], body)
    if content_type == PROBLEM and operation is not None and method != "HEAD":
        codes = described["content"][PROBLEM]["examples"]
        assert body["code"] in codes, f"{method} {path} answered {status} {body['code']}; the schema has {set(codes)}"


def validate(schema: dict[str, Any], value: Any) -> None:
    """Raise ValidationError for a value that a schema of the document does not allow."""
    whole = {"components": document()["components"], **schema}
    Draft202012Validator(whole, format_checker=formats).validate(value)


def _operation(method: str, path: str) -> dict[str, Any] | None:
    exact_first = sorted(document()["paths"], key=lambda template: template.count("{"))
    for template in exact_first:
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path):
            return document()["paths"][template].get(method.lower())
    return None


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _closed(value) for key, value in node.items()}
    if node.get("type") == "object" and "properties" in node:
        node.setdefault("additionalProperties", False)
    return node

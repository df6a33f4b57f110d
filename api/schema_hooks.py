"""Postprocessing of the OpenAPI document: what holds for all operations and all schemas, whoever has described them."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from api.schema import PROBLEM

INT32 = 2**31 - 1
Document = dict[str, Any]
HEADERS: Document = {
    "X-Request-ID": {
        "description": "The name of this request in the server's logs: the one that was sent with it, or a new one.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "example": "6f9f2d5c8c0f4a51",
    },
    "Retry-After": {
        "description": "The number of seconds after which the request may be sent again.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 2,
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"type": "string"},
        "example": "Bearer",
    },
}
OF_STATUS = {"401": ["WWW-Authenticate"], "429": ["Retry-After"], "503": ["Retry-After"]}


def open_blank_texts(result: Document, **_: Any) -> Document:
    """Describe a choice, an address or a link that may be empty as one text.

    A choice that is empty has no name in Kotlin, and the generated code would not compile; a union of two texts becomes
    a class there that cannot be written.
    """
    for schema in list(_objects(result["components"]["schemas"])):
        choices, union = schema.get("enum"), schema.get("oneOf", ())
        if isinstance(choices, list) and "" in choices:
            _become_text(schema, choices)
        elif any(isinstance(each, dict) and each.get("maxLength") == 0 for each in union):
            kind = next(each for each in union if each["maxLength"])
            del schema["oneOf"]
            schema.update(
                type="string",
                maxLength=kind["maxLength"],
                description=f"A text of format `{kind['format']}`, or empty.",
            )
    return result


def _become_text(schema: Document, choices: list[str]) -> None:
    named = [choice for choice in choices if choice]
    for key in ("enum", "x-spec-enum-id", "oneOf"):
        schema.pop(key, None)
    text = f"One of {', '.join(f'`{name}`' for name in named)}; empty if not said."
    schema.update(type="string", pattern=f"^({'|'.join(named)})?$", description=text)


def format_integers(result: Document, **_: Any) -> Document:
    """Give each integer its size: 64 bits, unless its largest value needs 32 only."""
    for schema in _objects(result):
        kinds = schema.get("type")
        if kinds == "integer" or (isinstance(kinds, list) and "integer" in kinds):
            schema.setdefault("format", "int32" if schema.get("maximum", INT32 + 1) <= INT32 else "int64")
    return result


def share_problems(result: Document, **_: Any) -> Document:
    """Move the examples of problems into one place: they are the same for all operations."""
    examples = result["components"].setdefault("examples", {})
    for _status, response in _responses(result):
        media = response.get("content", {}).get(PROBLEM)
        if media:
            documents = [each["value"] for each in media.pop("examples").values()]
            examples |= {document["code"]: {"value": document} for document in documents}
            media["examples"] = {
                document["code"]: {"$ref": f"#/components/examples/{document['code']}"} for document in documents
            }
    return result


def add_headers(result: Document, **_: Any) -> Document:
    """Describe the headers of answers, and each answer by the phrase of its status if nothing else says what it is."""
    result["components"]["headers"] = HEADERS
    for status, response in _responses(result):
        names = ["X-Request-ID", *OF_STATUS.get(status, [])]
        response["description"] = response["description"] or HTTPStatus(int(status)).phrase
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return result


def require_bodies(result: Document, **_: Any) -> Document:
    """Say that every body has to be sent, even where none of its fields has to."""
    for operation in _operations(result):
        if "requestBody" in operation:
            operation["requestBody"]["required"] = True
    return result


def say_what_is_public(result: Document, **_: Any) -> Document:
    """State of each operation without authentication that it has none."""
    for operation in _operations(result):
        operation.setdefault("security", [])
    return result


def _operations(result: Document) -> Iterator[Document]:
    for operations in result["paths"].values():
        yield from operations.values()


def _responses(result: Document) -> Iterator[tuple[str, Document]]:
    for operation in _operations(result):
        yield from operation["responses"].items()


def _objects(node: Any) -> Iterator[Document]:
    """Yield every JSON object inside a node."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value)

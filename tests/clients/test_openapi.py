"""The OpenAPI document is complete: every operation is described, with examples that fit, and every integer has a size.

A walk over all operations and all schemas, so that a new endpoint is tested as well.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from api.codes import CODES
from api.schema_generator import OnceGenerator
from tests.support import openapi_contract

pytestmark = pytest.mark.embedded  # no database is used
JSON, PROBLEM = "application/json", "application/problem+json"
DOCUMENT = OnceGenerator().get_schema()
OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
each_operation = pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
# Generated clients have classes of these names: a name or a value that goes breaks them.
ENUMS = {
    "ErrorCode": list(CODES),
    "PopupEventType": ["click", "dismiss"],
    "ReportKind": ["post", "comment", "user"],
    "ReportReason": ["other", "spam", "abuse", "illegal"],
    "Status": ["online", "away", "busy", "offline"],
}
# Of the server, of addresses that do not exist, and of pages.
BEFORE_OPERATIONS = {
    "expectation_failed", "head_too_large", "internal_error", "method_not_allowed", "not_acceptable",
    "permission_denied", "request_timeout", "target_too_long",
}  # fmt: skip
INT64_MAX = 2**63 - 1


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object inside a node."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from objects(inner)


def properties() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for component, schema in DOCUMENT["components"]["schemas"].items():
        for name, described in schema.get("properties", {}).items():
            yield component, name, described


def bodies(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (what, media type object) for the request and for each answer that has a body."""
    if "requestBody" in operation:
        yield "request", operation["requestBody"]["content"][JSON]
    for status, response in operation["responses"].items():
        for media in response.get("content", {}).values():
            yield status, media


def examples_of(media: dict[str, Any]) -> list[Any]:
    shared = DOCUMENT["components"]["examples"]
    found = media.get("examples", {}).values()
    return [shared[each["$ref"].rpartition("/")[2]]["value"] if "$ref" in each else each["value"] for each in found]


@each_operation
def test_an_operation_has_a_summary_a_description_and_a_known_tag(path, method, operation):
    summary, description = operation["summary"], operation["description"]
    assert 5 < len(summary) <= 80
    assert "\n" not in summary
    assert summary.endswith(".")
    assert len(description) > 20
    assert description.endswith(".")
    assert operation["tags"][0] in [tag["name"] for tag in DOCUMENT["tags"]]


@each_operation
def test_every_body_has_an_example_that_fits(path, method, operation):
    for what, media in bodies(operation):
        examples = examples_of(media)
        assert examples, f"{what} of {method} {path} has no example"
        for example in examples:
            openapi_contract.validate(media["schema"], example)


@each_operation
def test_every_required_parameter_has_an_example_that_fits(path, method, operation):
    for parameter in operation.get("parameters", ()):
        examples = [each["value"] for each in parameter.get("examples", {}).values()]
        assert examples or not parameter.get("required"), parameter["name"]
        for example in examples:
            openapi_contract.validate(parameter["schema"], example)


@each_operation
def test_answers_name_their_headers_and_their_codes(path, method, operation):
    assert {"429", "503"} <= set(operation["responses"])
    for status, response in operation["responses"].items():
        assert "X-Request-ID" in response["headers"]
        assert ("Retry-After" in response["headers"]) == (status in {"429", "503"})
        assert response["description"]
        if status >= "400":
            for example in examples_of(response["content"][PROBLEM]):
                assert int(status) in CODES[example["code"]].statuses


@each_operation
def test_a_body_is_described_and_required(path, method, operation):
    assert operation.get("requestBody", {"required": True})["required"]
    assert ("requestBody" in operation) == ("415" in operation["responses"])


@each_operation
def test_only_public_operations_need_no_token(path, method, operation):
    public = operation["security"] == []
    assert public or operation["security"] == [{"bearer": []}]
    codes = {example["code"] for what, media in bodies(operation) for example in examples_of(media) if what == "401"}
    assert ("not_authenticated" in codes) == (not public)


def test_the_public_operations():
    public = {
        f"{method} {path}" for path, method, operation in (p.values for p in OPERATIONS) if not operation["security"]
    }
    assert public == {
        "post /api/v1/users",
        "post /api/v1/auth/token",
        "post /api/v1/auth/token/refresh",
        "post /api/v1/auth/email/confirm",
        "post /api/v1/auth/logout",
        "post /api/v1/auth/password/reset",
        "post /api/v1/auth/password/reset/confirm",
    }


def test_operation_ids_differ():
    ids = [operation["operationId"] for _, _, operation in (parameter.values for parameter in OPERATIONS)]
    assert len(set(ids)) == len(ids)


def test_tags_are_used_and_described_and_servers_are_named():
    used = {operation["tags"][0] for _, _, operation in (parameter.values for parameter in OPERATIONS)}
    assert used == {tag["name"] for tag in DOCUMENT["tags"]}
    assert all(tag["description"] for tag in DOCUMENT["tags"])
    assert DOCUMENT["servers"][0]["url"] == "/"
    assert "Log in and try a call" in DOCUMENT["info"]["description"].split("\n")[0]


def test_every_integer_has_a_size_and_ids_have_64_bits():
    integers = [node for node in objects(DOCUMENT) if node.get("type") in ("integer", ["integer", "null"])]
    assert integers
    assert {node.get("format") for node in integers} == {"int32", "int64"}
    for node in integers:
        assert (node["format"] == "int64") == (node.get("maximum", INT64_MAX) > 2**31 - 1), node
    for component, name, described in properties():
        described = described.get("items", described)
        if "integer" in described.get("type", ()) and name in {"id", "post", "repost_of", "missing"}:
            assert described["format"] == "int64", (component, name)


def test_enums_have_stable_names_and_no_blank_member():
    schemas = DOCUMENT["components"]["schemas"]
    assert {name: schema["enum"] for name, schema in schemas.items() if "enum" in schema} == ENUMS
    for node in objects(DOCUMENT):
        if isinstance(node.get("enum"), list):
            assert not {"", None}.intersection(node["enum"]), node


def test_a_choice_that_may_be_empty_is_a_text():
    for component, name, described in properties():
        if name == "gender":
            assert (described["type"], described["pattern"]) == ("string", "^(female|male|other)?$"), component
            for value in ("", "female"):
                openapi_contract.validate(described, value)


def test_a_link_and_an_address_that_may_be_empty_are_one_text():
    written = DOCUMENT["components"]["schemas"]["PatchedProfileInputRequest"]["properties"]
    for name, value in (("avatar", "https://cdn.example.com/a.png"), ("avatar", "")):
        assert (written[name]["type"], "oneOf" in written[name]) == ("string", False)
        openapi_contract.validate(written[name], value)


def test_objects_are_open_for_new_fields():
    assert [node for node in objects(DOCUMENT) if node.get("additionalProperties") is False] == []


def test_every_code_is_one_of_an_operation_or_comes_before_all_of_them():
    named = {
        example["code"]
        for _, _, operation in (parameter.values for parameter in OPERATIONS)
        for status, media in bodies(operation)
        if status >= "400"
        for example in examples_of(media)
        if isinstance(example, dict) and "code" in example
    }
    assert set(CODES) - named == BEFORE_OPERATIONS


def test_the_list_of_codes_names_their_statuses():
    described = DOCUMENT["components"]["schemas"]["ErrorCode"]["description"]
    for name, code in CODES.items():
        assert f"* `{name}` - {' or '.join(map(str, code.statuses))}: {code.meaning}" in described

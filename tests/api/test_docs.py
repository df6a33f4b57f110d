"""The OpenAPI schema and the documentation page."""

import re
from contextlib import closing

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from drf_spectacular.validation import validate_schema

from api.schema import problem_example
from api.schema_generator import OnceGenerator
from tests.support import openapi_contract

pytestmark = pytest.mark.django_db(transaction=True)
ALWAYS = {"400", "429", "503"}


def test_the_schema_is_served_and_valid(client: Client):
    answer = client.get("/api/schema", headers={"accept": "application/json"})
    assert answer.status_code == 200
    validate_schema(answer.json())


def test_it_is_made_once(client: Client):
    first = client.get("/api/schema")
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/api/schema").content == first.content
    assert not queries
    assert OnceGenerator().get_schema() is OnceGenerator().get_schema()


def test_the_docs_page_needs_no_other_server(client: Client, settings):
    settings.WHITENOISE_AUTOREFRESH = False  # as in production
    page = client.get("/api/docs")
    assert page.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert sources
    for source in sources:
        assert source.startswith("/static/"), source
        with closing(client.get(source)) as file:
            assert file.status_code == 200


def test_every_operation_names_its_problems():
    for path, operations in openapi_contract.document()["paths"].items():
        for method, operation in operations.items():
            statuses = set(operation["responses"])
            assert statuses >= ALWAYS, (method, path)
            assert ("401" in statuses) == bool(operation.get("security")) or path.startswith("/api/v1/auth/")
            if "requestBody" in operation:
                assert statuses >= {"411", "413", "415"}, (method, path)


def test_the_examples_of_bodies_are_accepted(api, new_user):
    refused = {}
    for path, operations in openapi_contract.document()["paths"].items():
        for method, operation in operations.items():
            if "requestBody" not in operation:
                continue
            example = operation["requestBody"]["content"]["application/json"]["examples"]["Example"]["value"]
            caller = new_user(f"{method}_{operation['operationId']}"[:30])
            answer = api.request(method.upper(), re.sub(r"\{[^}]*\}", "7", path), example, by=caller)
            if answer.status in {400, 401, 415}:
                refused[operation["operationId"]] = answer.json["code"]
    assert refused == {
        "auth_email_confirm_create": "bad_token",
        "auth_password_reset_confirm_create": "bad_token",
        "auth_logout_create": "token_not_valid",
        "auth_token_create": "bad_credentials",  # the account of the example is made by users_create
        "auth_token_refresh_create": "token_not_valid",
    }


def test_the_contract_refuses_answers_that_the_schema_does_not_describe():
    check = openapi_contract.check
    tokens = {"access": "x", "refresh": "y"}
    check("POST", "/api/v1/auth/token", 200, "application/json", tokens)
    problem, media_type = problem_example("not_found"), openapi_contract.PROBLEM
    check("GET", "/api/v1/users/5", 404, media_type, problem)
    for args in (
        ("POST", "/api/v1/auth/token", 200, "application/json", {**tokens, "password": "argon2"}),
        ("POST", "/api/v1/auth/token", 200, "application/json", {"access": "x"}),
        ("POST", "/api/v1/auth/token", 201, "application/json", tokens),
        ("POST", "/api/v1/auth/token", 200, "text/html", tokens),
        ("GET", "/api/v1/users/5", 404, media_type, {**problem, "code": "no_such_code"}),
        ("GET", "/api/v1/users/5", 404, media_type, {**problem, "code": "too_fast"}),
        ("GET", "/api/v1/nope", 200, "application/json", {}),
        ("GET", "/api/v1/users/5/state", 200, "application/json",
         {"id": 5, "status": "offline", "message": "", "last_seen_at": "yesterday"}),
    ):  # fmt: skip
        with pytest.raises(Exception, match=r"."):
            check(*args)

"""Requests generated from the schema, valid and invalid, get only answers that the schema describes, and no 5xx."""

from contextlib import suppress

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from rest_framework_simplejwt.tokens import AccessToken
from schemathesis import GenerationMode

from config.wsgi import application
from tests.support import openapi_contract

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sampled]
EXAMPLES = 20
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def operations() -> list:
    schema = schemathesis.openapi.from_dict(openapi_contract.document())
    schema.app = application
    return [found.ok() for found in schema.get_all_operations()]


MODES = [
    pytest.param(GenerationMode.POSITIVE, id="valid"),
    pytest.param(GenerationMode.NEGATIVE, id="broken", marks=pytest.mark.embedded),  # refused before a database is used
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.label)
def test_generated_requests(alice, operation, mode):
    token = str(AccessToken.for_user(alice))
    seen = []

    @bounded
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        response = case.call(headers={"authorization": f"Bearer {token}"})
        seen.append(response.status_code)
        assert response.status_code < 500, (case.as_curl_command(), response.content)
        (media_type,) = response.headers.get("content-type", [None])
        body = msgspec.json.decode(response.content) if response.content and "json" in media_type else None
        if case.formatted_path.startswith("/api/v1/"):
            openapi_contract.check(case.method, case.formatted_path, response.status_code, media_type, body)

    with suppress(Unsatisfiable):  # a request without input cannot be made invalid
        ask()
        assert seen

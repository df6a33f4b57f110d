"""Imported once by the fork server: imports the application and generates the OpenAPI schema, connects to nothing."""

import threading

import django

django.setup()

from django.db import connection  # noqa: E402

from tests.support import api_client, openapi_contract  # noqa: E402

__all__ = ["api_client"]
openapi_contract.document()
assert connection.connection is None
assert threading.active_count() == 1

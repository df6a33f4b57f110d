"""What other processes of the application are forked from: all is imported, the schema made, nothing connected."""

import threading

import django

django.setup()

from django.db import connection  # noqa: E402

from tests.api import client, contract  # noqa: E402

__all__ = ["client"]
contract.document()
assert connection.connection is None
assert threading.active_count() == 1

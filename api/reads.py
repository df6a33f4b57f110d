"""Reads: the answer to a GET, defined once for a view and for the hot lane, which may not block."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import APIException

from api.json import json_response
from caching.api import Batch


class LeftToDjango(APIException):
    """The hot lane cannot go on, because the database has to be asked: Django answers instead."""


class Read:
    """The answer to one GET request.

    The constructor gets a batch and the parsed arguments, and adds what it needs to the batch. The other methods are
    called after the batch has run. The hot lane calls them in the event loop, where none may block; a read that cannot
    be answered without says so by is_nonblocking().
    """

    def is_nonblocking(self) -> bool:
        """Return whether the answer needs nothing but the results of the batch and of further_batches().

        Called only by the hot lane; if False, Django handles the request from its beginning.
        """
        return True

    def further_batches(self) -> Iterable[Batch]:
        """Yield the batches that depend on results; resumed when each has run. Raise Problem for an error.

        The scripts in such a batch may run twice: when the hot lane cannot finish a request, Django starts it again.
        """
        return ()

    def document(self) -> Any:
        """Return the JSON document of the answer; raise Problem for an error."""
        raise NotImplementedError

    def headers(self) -> Mapping[str, str]:
        """Return the headers that only this answer has."""
        return {}


def answer(read: Read) -> HttpResponse:
    """Return the response of a read whose batch has run; runs its further batches."""
    for batch in read.further_batches():
        batch.run()
    response = json_response(read.document())
    for name, value in read.headers().items():
        response[name] = value
    return response

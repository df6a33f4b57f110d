"""Writes: a PUT, POST or DELETE, defined once for a view and for the hot lane."""

from typing import Any

from django.http import HttpResponse

from api.json import json_response, no_content
from api.reads import Read


class Write(Read):
    """One request that writes, and may be repeated: if the hot lane fails in the middle, Django begins it again.

    The constructor gets a batch and the parsed arguments, and adds what must be known before. Of a Read it has the
    rest; without a document, its answer has no body.
    """

    status = 200
    blocks = True
    """Whether the hot lane has to call perform(); where not, further_batches() has written."""

    def check(self) -> None:
        """Raise the Problem by which the request is refused; called after the batch has run, and may not block."""

    def perform(self) -> None:
        """Write, and read what the answer needs; may block. Raises Problem."""

    def document(self) -> Any:
        return None


def answer_write(write: Write) -> HttpResponse:
    """Perform a write whose batch has run, and return its response."""
    write.check()
    write.perform()
    document = write.document()
    return no_content(write.status) if document is None else json_response(document, status=write.status)

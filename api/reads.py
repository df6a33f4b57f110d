"""What a GET answers, defined once for the two who ask for it: a view, and the hot lane, which may not block."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse

from api.json import json_response
from caching.api import Batch


class Read:
    """Made from arguments that have been parsed; asks a batch, in its constructor, for what it needs.

    Nothing here may wait for anything but the batches: the hot lane calls it in the event loop.
    """

    def is_at_hand(self) -> bool:
        """Once what was asked for is there: whether the rest takes no more than that and what `more` asks for. Asked
        by whoever may not block; if not, all begins again elsewhere."""
        return True

    def more(self) -> Batch | None:
        """Called when what was asked for is there: a batch to run, of what is known to be needed by now. Again until
        nothing is. A script that is asked for must bear to be run twice: where the lane cannot finish a request,
        Django begins it anew.
        """
        return None

    def document(self) -> Any:
        """What is answered, for JSON; raises Problem."""
        raise NotImplementedError

    def headers(self) -> Mapping[str, str]:
        """Those of this answer, beside what all answers have."""
        return {}


def answer(read: Read) -> HttpResponse:
    """Once the batch has run that `read` has asked."""
    while batch := read.more():
        batch.run()
    response = json_response(read.document())
    for name, value in read.headers().items():
        response[name] = value
    return response

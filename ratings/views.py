"""Ratings over HTTP."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.idempotency import idempotent
from api.ids import parse_id, parse_ids
from api.inputs import validated
from api.json import json_response
from api.reads import answer
from api.schema import described, id_in_path, ids_query
from api.views import BatchedView
from api.writes import answer_write
from caching.api import Batch
from ratings import presentation, services
from ratings.reads import OneItem, SomeItems
from ratings.schemas import output
from ratings.schemas.input import ItemInput, ScoreInput
from ratings.writes import ScoreWrite


class ItemsView(BatchedView):
    """Endpoint /api/v1/ratings: GET returns several items by `ids`, POST creates an item and returns it."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        if request.method != "POST":
            self.read = SomeItems(batch, caller_id, parse_ids(request.query_params))

    @described(answers={200: output.ItemsFound}, query=[ids_query()], operation_id="ratings_list")
    def get(self, request: Request) -> HttpResponse:
        """Get several items.

        They come in the order of the ids; `missing` has the unknown ids.
        """
        return answer(self.read)

    @described(answers={201: output.Item}, body=ItemInput)
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Add an item to be rated.

        It has no score at first.
        """
        item = services.publish(**validated(ItemInput, request.data))
        return json_response(presentation.unrated(item), status=201)


class ItemView(BatchedView):
    """Endpoint /api/v1/ratings/{id}: GET returns an item with its average, histogram and the caller's score."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, item_id: str) -> None:
        self.read = OneItem(batch, caller_id, parse_id(item_id))

    @described(answers={200: output.Item}, problems=("not_found",), query=[id_in_path("item_id")])
    def get(self, request: Request, item_id: str) -> HttpResponse:
        """Get an item.

        The answer has its average, how often each score was given, and the caller's own score.
        """
        return answer(self.read)


class ScoreView(BatchedView):
    """Endpoint /api/v1/ratings/{id}/score: PUT sets the caller's score, DELETE withdraws it; both return the item."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, item_id: str) -> None:
        self.write = ScoreWrite(batch, caller_id, parse_id(item_id))

    @described(
        answers={200: output.Item},
        body=ScoreInput,
        problems=("not_found", "too_fast"),
        query=[id_in_path("item_id")],
    )
    def put(self, request: Request, item_id: str) -> HttpResponse:
        """Rate an item.

        Sets or changes the caller's score. The answer has the resulting average.
        """
        self.write.check()
        self.write.score = validated(ScoreInput, request.data)["score"]
        return answer_write(self.write)

    @described(answers={200: output.Item}, problems=("not_found",), query=[id_in_path("item_id")])
    def delete(self, request: Request, item_id: str) -> HttpResponse:
        """Take back a score.

        May be repeated. The answer has the resulting average.
        """
        return answer_write(self.write)

"""Ratings over HTTP."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.idempotency import idempotent
from api.ids import parse_id, parse_ids
from api.inputs import validated
from api.json import json_response
from api.problems import Problem, first_or_raise
from api.reads import answer
from api.schema import described, id_in_path, ids_query
from api.views import BatchedView, inactive_account
from caching.api import Batch
from ratings import presentation, services
from ratings.models import Item
from ratings.reads import OneItem, SomeItems, no_such_item
from ratings.schemas import output
from ratings.schemas.input import ItemInput, ScoreInput
from users.models import User


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
        self.item_id = parse_id(item_id)
        self.items = batch.rows(Item, [self.item_id])
        self.read_after = Batch()
        self.requested = presentation.RequestedItems(self.read_after, [self.item_id])

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
        self.require_item()
        score = validated(ScoreInput, request.data)["score"]
        try:
            services.rate(user_id=self.caller_id, item_id=self.item_id, score=score, read_after=self.read_after)
        except services.TooFast:
            raise Problem(409, "too_fast", "You are rating too fast: another of your scores came in between.") from None
        except Item.DoesNotExist:
            raise no_such_item() from None
        except User.DoesNotExist:
            raise inactive_account() from None
        return self.response_with(score)

    @described(answers={200: output.Item}, problems=("not_found",), query=[id_in_path("item_id")])
    def delete(self, request: Request, item_id: str) -> HttpResponse:
        """Take back a score.

        May be repeated. The answer has the resulting average.
        """
        self.require_item()
        services.withdraw(user_id=self.caller_id, item_id=self.item_id, read_after=self.read_after)
        return self.response_with(None)

    def require_item(self) -> None:
        """Raise the 404 if the item does not exist."""
        row = self.items.row(self.item_id)
        if row is None or row.removed_at:
            raise no_such_item()

    def response_with(self, my_score: int | None) -> HttpResponse:
        """Return the item after a write of the caller's score."""
        self.read_after.run()
        results = self.requested.documents_with({self.item_id: my_score}).results  # empty if removed meanwhile
        return json_response(first_or_raise(results, no_such_item))

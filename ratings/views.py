"""Ratings over HTTP."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.ids import parse_id, parse_ids
from api.inputs import validated
from api.json import json_response
from api.problems import Problem, not_found
from api.schema import described, id_in_path, ids_query
from api.views import BatchedView, inactive
from caching.api import Batch
from ratings import presentation, services
from ratings.models import Item
from ratings.schemas import output
from ratings.schemas.input import ItemInput, ScoreInput
from users.models import User


def no_such_item() -> Problem:
    return not_found("such item")


class ItemsView(BatchedView):
    def wants(self, request: Request, batch: Batch, caller_id: int) -> None:
        if request.method != "POST":
            self.shown = presentation.Shown(batch, caller_id, parse_ids(request.query_params))

    @described(answers={200: output.ItemsFound}, query=[ids_query()], operation_id="ratings_list")
    def get(self, request: Request) -> HttpResponse:
        """Several items in the order asked."""
        return json_response(self.shown.documents()._asdict())

    @described(answers={201: output.Item}, body=ItemInput)
    def post(self, request: Request) -> HttpResponse:
        """Something to be rated."""
        item = services.publish(**validated(ItemInput, request.data))
        return json_response(presentation.unrated(item), status=201)


class ItemView(BatchedView):
    def wants(self, request: Request, batch: Batch, caller_id: int, item_id: str) -> None:
        self.shown = presentation.Shown(batch, caller_id, [parse_id(item_id)])

    @described(answers={200: output.Item}, problems=(404,), query=[id_in_path("item_id")])
    def get(self, request: Request, item_id: str) -> HttpResponse:
        """An item with its average, its histogram and the caller's score."""
        found = self.shown.documents().results
        if not found:
            raise no_such_item()
        return json_response(found[0])


class ScoreView(BatchedView):
    def wants(self, request: Request, batch: Batch, caller_id: int, item_id: str) -> None:
        self.item_id = parse_id(item_id)
        self.items = batch.rows(Item, [self.item_id])
        self.after = Batch()
        self.shown = presentation.Rated(self.after, [self.item_id])

    @described(answers={200: output.Item}, body=ScoreInput, problems=(404, 409), query=[id_in_path("item_id")])
    def put(self, request: Request, item_id: str) -> HttpResponse:
        """Give an item a score, or another one."""
        self.require_item()
        score = validated(ScoreInput, request.data)["score"]
        try:
            services.rate(user_id=request.user.id, item_id=self.item_id, score=score, then=self.after)
        except services.TooFast:
            raise Problem(409, "too_fast", "You are rating too fast: another of your scores came in between.") from None
        except Item.DoesNotExist:
            raise no_such_item() from None
        except User.DoesNotExist:
            raise inactive() from None
        return self.scored(score)

    @described(answers={200: output.Item}, problems=(404,), query=[id_in_path("item_id")])
    def delete(self, request: Request, item_id: str) -> HttpResponse:
        """Withdraw the caller's score."""
        self.require_item()
        services.withdraw(user_id=request.user.id, item_id=self.item_id, then=self.after)
        return self.scored(None)

    def require_item(self) -> None:
        row = self.items.row(self.item_id)
        if row is None or row.removed_at:
            raise no_such_item()

    def scored(self, my_score: int | None) -> HttpResponse:
        """The item after a write of the caller's, who has this score now."""
        self.after.run()
        found = self.shown.documents_with({self.item_id: my_score}).results
        if not found:  # by now
            raise no_such_item()
        return json_response(found[0])

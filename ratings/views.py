"""Ratings over HTTP."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.ids import parse_id, parse_ids
from api.inputs import validated
from api.json import json_response
from api.problems import Problem, not_found
from api.schema import described, id_in_path, ids_query
from api.views import BatchedView, inactive
from caching import Batch
from ratings import documents, services, showing
from ratings.models import Item
from ratings.serializers import ItemInput, ScoreInput
from users.models import User


class ItemsView(BatchedView):
    def wants(self, request: Request, batch: Batch, caller_id: int) -> None:
        if request.method != "POST":
            self.shown = showing.Shown(batch, parse_ids(request.query_params))

    @described(answers={200: documents.ItemsFound}, query=[ids_query()], operation_id="ratings_list")
    def get(self, request: Request) -> HttpResponse:
        """Several items in the order asked."""
        return json_response(self.shown.documents(request.user.id)._asdict())

    @described(answers={201: documents.Item}, body=ItemInput)
    def post(self, request: Request) -> HttpResponse:
        """Something to be rated."""
        item = services.publish(**validated(ItemInput(data=request.data)))
        return _item(request, item.pk, status=201)


class ItemView(BatchedView):
    def wants(self, request: Request, batch: Batch, caller_id: int, item_id: str) -> None:
        self.shown = showing.Shown(batch, [parse_id(item_id)])

    @described(answers={200: documents.Item}, problems=(404,), query=[id_in_path("item_id")])
    def get(self, request: Request, item_id: str) -> HttpResponse:
        """An item with its average, its histogram and the caller's score."""
        found = self.shown.documents(request.user.id).results
        if not found:
            raise not_found("such item")
        return json_response(found[0])


class ScoreView(BatchedView):
    def wants(self, request: Request, batch: Batch, caller_id: int, item_id: str) -> None:
        self.item_id = parse_id(item_id)
        self.items = batch.rows(Item, [self.item_id])

    @described(answers={200: documents.Item}, body=ScoreInput, problems=(404, 409), query=[id_in_path("item_id")])
    def put(self, request: Request, item_id: str) -> HttpResponse:
        """Give an item a score, or another one."""
        self.require_item()
        score = validated(ScoreInput(data=request.data))["score"]
        try:
            services.rate(user_id=request.user.id, item_id=self.item_id, score=score)
        except services.TooFast:
            raise Problem(409, "too_fast", "You are rating too fast: another of your scores came in between.") from None
        except Item.DoesNotExist:
            raise not_found("such item") from None
        except User.DoesNotExist:
            raise inactive() from None
        return _item(request, self.item_id)

    @described(answers={200: documents.Item}, problems=(404,), query=[id_in_path("item_id")])
    def delete(self, request: Request, item_id: str) -> HttpResponse:
        """Withdraw the caller's score."""
        self.require_item()
        services.withdraw(user_id=request.user.id, item_id=self.item_id)
        return _item(request, self.item_id)

    def require_item(self) -> None:
        if self.items.row(self.item_id) is None:
            raise not_found("such item")


def _item(request: Request, item_id: int, status: int = 200) -> HttpResponse:
    found = showing.items_of(request.user.id, [item_id]).results
    if not found:
        raise not_found("such item")
    return json_response(found[0], status=status)

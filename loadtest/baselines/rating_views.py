"""Ratings whose sums are columns of one row, over HTTP."""

from collections.abc import Callable

from django.http import HttpResponse
from rest_framework.request import Request

from api.inputs import validated
from api.json import json_response
from loadtest.baselines import tallies
from ratings import presentation
from ratings.counts import tally_of
from ratings.schemas.input import ScoreInput
from ratings.views import ScoreView


class _TalliedView(ScoreView):
    """Admits, validates and answers as the API does, so that only the way of writing differs."""

    http_method_names = ("put",)
    rate: Callable[..., tallies.Tally]

    def put(self, request: Request, item_id: str) -> HttpResponse:
        self.write.check()
        score = validated(ScoreInput, request.data)["score"]
        tally = self.rate(user_id=request.user.id, item_id=int(item_id), score=score)
        return json_response(presentation.document(self.write.items.row(int(item_id)), tally_of(tally), score))


class LockedView(_TalliedView):
    """Endpoint /baseline/ratings/{id}/score/locked: PUT stores a score; the row of the sums is locked first."""

    rate = staticmethod(tallies.rate_with_lock)


class FExpressionView(_TalliedView):
    """Endpoint /baseline/ratings/{id}/score/by-f: PUT stores a score; F() adds to the sums."""

    rate = staticmethod(tallies.rate_with_f_expression)

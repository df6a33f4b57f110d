"""Counters over HTTP."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from api.reads import answer
from api.schema import described
from api.views import BatchedView
from caching.api import Batch
from counters.http.reads import SomeCounts
from counters.http.targets import CAP, FIELD, targets_of

TARGET = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,31}:[1-9][0-9]{0,18}$"}


class CountersFound(serializers.Serializer[dict[str, dict[str, dict[str, int]]]]):
    """By target, the value of each of its counters."""

    results = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField(min_value=0)))


class CountersView(BatchedView):
    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        texts = request.query_params.getlist(FIELD)
        self.asked = SomeCounts(batch, targets_of(",".join(texts)))

    @described(  # type: ignore[untyped-decorator]
        answers={200: CountersFound},
        query=[
            OpenApiParameter(
                FIELD,
                {"type": "array", "items": TARGET, "minItems": 1, "maxItems": CAP},
                description=f"Up to {CAP} targets such as user:7, counted with duplicates.",
                required=True,
                explode=False,
                style="form",
            )
        ],
        operation_id="counters_list",
    )
    def get(self, request: Request) -> HttpResponse:
        """The counters of several targets, in the order asked; a target that nothing was counted for has zeros."""
        return answer(self.asked)

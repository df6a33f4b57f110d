"""The view of counters."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from api.reads import answer
from api.schema import described, example
from api.views import BatchedView
from caching.api import Batch
from counters.http.reads import ReadCounters
from counters.http.targets import FIELD, MAX_TARGETS, targets_of

TARGET = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,31}:[1-9][0-9]{0,18}$"}


@example(
    {
        "results": {
            "user:7": {"followers": 12, "following": 3, "posts": 1},
            "post:1": {"likes": 4, "comments": 2, "reposts": 0, "favorites": 1},
        }
    }
)
class CountersFound(serializers.Serializer[dict[str, dict[str, dict[str, int]]]]):
    """The value of each counter, by target."""

    results = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField(min_value=0)))


class CountersView(BatchedView):
    """Endpoint /api/v1/counters: GET returns the counters of several targets, such as user:7 and post:1."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        texts = request.query_params.getlist(FIELD)
        self.counters = ReadCounters(batch, targets_of(",".join(texts)))

    @described(  # type: ignore[untyped-decorator]
        answers={200: CountersFound},
        query=[
            OpenApiParameter(
                FIELD,
                {"type": "array", "items": TARGET, "minItems": 1, "maxItems": MAX_TARGETS},
                description=f"Up to {MAX_TARGETS} targets such as user:7, counted with duplicates.",
                required=True,
                explode=False,
                style="form",
                examples=[OpenApiExample("Example", ["user:7", "post:1"])],
            )
        ],
        problems=("no_targets", "too_many_targets", "bad_target", "unknown_kind"),
        operation_id="counters_list",
    )
    def get(self, request: Request) -> HttpResponse:
        """Get the counters of several targets.

        They come in the order of the targets; a target without counted rows has zeros.
        """
        return answer(self.counters)

"""Counters over HTTP."""

from django.http import HttpResponse, QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from api.ids import LARGEST, is_id
from api.json import json_response
from api.problems import bad_input
from api.schema import described
from api.views import BatchedView
from caching import Batch
from counters import reads, registry

CAP = 200
FIELD = "targets"
TARGET = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,31}:[1-9][0-9]{0,18}$"}


class CountersFound(serializers.Serializer[dict[str, dict[str, dict[str, int]]]]):
    """By target, the value of each of its counters."""

    results = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField(min_value=0)))


class CountersView(BatchedView):
    def wants(self, request: Request, batch: Batch, caller_id: int) -> None:  # type: ignore[override]
        self.counts = reads.ask(batch, parse_targets(request.query_params))

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
        return json_response({"results": self.counts.result})


def parse_targets(query: QueryDict) -> list[str]:
    """The targets of `?targets=post:1,user:7`, duplicates removed; raises the 400s."""
    texts = ",".join(query.getlist(FIELD)).split(",")
    if texts == [""]:
        raise bad_input(FIELD, f"Give 1 to {CAP} targets such as user:7, separated by commas.", "no_targets")
    if len(texts) > CAP:
        raise bad_input(FIELD, f"At most {CAP} targets at once; you asked for {len(texts)}.", "too_many_targets")
    known = registry.kinds()
    for text in texts:
        kind, colon, target_id = text.partition(":")
        if not colon or not is_id(target_id):
            raise bad_input(FIELD, f"A target is a kind and an id from 1 to {LARGEST}, such as user:7.", "bad_target")
        if kind not in known:
            raise bad_input(FIELD, f"Nothing is counted for {kind[:40]!r}.", "unknown_kind")
    return list(dict.fromkeys(texts))

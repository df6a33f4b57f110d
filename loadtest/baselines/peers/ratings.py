"""Scores of rated items."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loadtest.baselines.peers import counts
from loadtest.baselines.peers.models import Item, Score
from loadtest.baselines.peers.repeats import in_transaction
from loadtest.baselines.peers.serializers import ScoreSerializer

CENTS = Decimal("0.01")


def document(item: Any, my_score: int) -> dict[str, Any]:
    """Return the document of an item for a user who has scored it."""
    values = counts.counts_of("rating", [item.pk])[item.pk]
    average = (Decimal(values["sum"]) / values["count"]).quantize(CENTS, ROUND_HALF_UP)
    return {
        "id": item.pk,
        "title": item.title,
        "description": item.description,
        "score": float(average),
        "count": values["count"],
        "histogram": {str(score): values[f"score_{score}"] for score in range(1, 11)},
        "my_score": my_score,
    }


class ScoreView(APIView):
    """Endpoint ratings/{id}/score: PUT stores the caller's score."""

    def put(self, request: Request, pk: int) -> Response:
        item = get_object_or_404(Item.objects.all(), pk=pk)
        body = ScoreSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        score = body.validated_data["score"]
        _rate(request.user.pk, pk, score)
        return Response(document(item, score))


@in_transaction
def _rate(user_id: int, item_id: int, score: int) -> None:
    """Store a score, and add to the counters of the item."""
    scores = Score.objects.select_for_update()
    stored, created = scores.get_or_create(user_id=user_id, item_id=item_id, defaults={"score": score})
    if created:
        counts.add("rating", item_id, count=1, sum=score, **{f"score_{score}": 1})
    elif stored.score != score:
        amounts = {"sum": score - stored.score, f"score_{stored.score}": -1, f"score_{score}": 1}
        Score.objects.filter(pk=stored.pk).update(score=score)
        counts.add("rating", item_id, **amounts)

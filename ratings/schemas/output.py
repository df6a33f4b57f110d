"""The JSON shapes of answers about ratings, for the OpenAPI schema only."""

from rest_framework import serializers

from api.schema import example, example_of
from ratings.counts import SCORES
from ratings.models import HIGHEST, LOWEST

Histogram = type(
    "Histogram", (serializers.Serializer,), {str(score): serializers.IntegerField(min_value=0) for score in SCORES}
)


@example(
    {
        "id": 7,
        "title": "The Seventh Seal",
        "description": "A film by Ingmar Bergman, 1957.",
        "score": 8.5,
        "count": 2,
        "histogram": {str(score): int(score in (8, 9)) for score in SCORES},
        "my_score": 9,
    }
)
class Item(serializers.Serializer):
    """An item; `score` is the average to two places, null without scores; `my_score` is the caller's score."""

    id = serializers.IntegerField(read_only=True)
    title = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)
    score = serializers.FloatField(min_value=LOWEST, max_value=HIGHEST, allow_null=True, read_only=True)
    count = serializers.IntegerField(min_value=0, read_only=True)
    histogram = Histogram(read_only=True)
    my_score = serializers.IntegerField(min_value=LOWEST, max_value=HIGHEST, allow_null=True, read_only=True)


@example({"results": [example_of(Item)], "missing": [1, 2]})
class ItemsFound(serializers.Serializer):
    """`missing` lists the unknown ids."""

    results = Item(many=True, read_only=True)
    missing = serializers.ListField(child=serializers.IntegerField(), read_only=True)

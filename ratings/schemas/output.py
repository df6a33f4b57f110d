"""The shapes of what is answered about ratings, for the schema alone."""

from rest_framework import serializers

from ratings.counts import SCORES
from ratings.models import HIGHEST, LOWEST

Histogram = type(
    "Histogram", (serializers.Serializer,), {str(score): serializers.IntegerField(min_value=0) for score in SCORES}
)


class Item(serializers.Serializer):
    """`score`: the average to two places, null without scores; `my_score`: the caller's."""

    id = serializers.IntegerField(read_only=True)
    title = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)
    score = serializers.FloatField(min_value=LOWEST, max_value=HIGHEST, allow_null=True, read_only=True)
    count = serializers.IntegerField(min_value=0, read_only=True)
    histogram = Histogram(read_only=True)
    my_score = serializers.IntegerField(min_value=LOWEST, max_value=HIGHEST, allow_null=True, read_only=True)


class ItemsFound(serializers.Serializer):
    """`missing` names the unknown ids."""

    results = Item(many=True, read_only=True)
    missing = serializers.ListField(child=serializers.IntegerField(), read_only=True)

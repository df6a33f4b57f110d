"""The JSON shapes of input."""

from rest_framework import serializers

from api.inputs import Integer, StrictMixin, Text
from ratings.models import DESCRIPTION_LENGTH, HIGHEST, LOWEST, TITLE_LENGTH


class ItemInput(StrictMixin, serializers.Serializer):
    title = Text(max_length=TITLE_LENGTH)
    description = Text(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)


class ScoreInput(StrictMixin, serializers.Serializer):
    score = Integer(min_value=LOWEST, max_value=HIGHEST)

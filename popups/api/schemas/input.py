"""The shapes of the input of popups over HTTP."""

from rest_framework import serializers

from api.inputs import StrictMixin, Text

TOKEN_LENGTH = 64


class EventInput(StrictMixin, serializers.Serializer):
    claim = Text(max_length=TOKEN_LENGTH)
    type = serializers.ChoiceField(choices=["click", "dismiss"])

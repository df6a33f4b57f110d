"""The shapes of the input of popups over HTTP."""

from rest_framework import serializers

from api.inputs import StrictSerializer, Text

TOKEN_LENGTH = 64


class EventInput(StrictSerializer):
    claim = Text(max_length=TOKEN_LENGTH)
    type = serializers.ChoiceField(choices=["click", "dismiss"])

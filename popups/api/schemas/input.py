"""The shapes of the input of popups over HTTP."""

from rest_framework import serializers

from api.inputs import StrictSerializer, Text

TOKEN_LENGTH = 64


class EventInput(StrictSerializer):
    """What the caller did with a popup; `claim` is the one that was returned with the popup."""

    claim = Text(max_length=TOKEN_LENGTH)
    type = serializers.ChoiceField(choices=["click", "dismiss"])

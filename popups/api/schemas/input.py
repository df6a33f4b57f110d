"""The shapes of the input of popups over HTTP."""

from rest_framework import serializers

from api.inputs import StrictSerializer, Text
from api.schema import example

TOKEN_LENGTH = 64
EVENT_TYPES = ["click", "dismiss"]


@example({"claim": "p3c1f0sVb6m2", "type": "click"})
class EventInput(StrictSerializer):
    """What the caller did with a popup; `claim` is the one that was returned with the popup."""

    claim = Text(max_length=TOKEN_LENGTH)
    type = serializers.ChoiceField(choices=EVENT_TYPES)

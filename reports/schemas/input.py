"""The JSON shapes of input."""

from rest_framework import serializers

from api.ids import LARGEST
from api.inputs import Integer, Multiline, StrictSerializer
from reports.models import TEXT_LENGTH, Kind, Reason


class ReportInput(StrictSerializer):
    """What to report (`kind` and `id`), why, and in words what is wrong with it, if there is more to say."""

    kind = serializers.ChoiceField(choices=[kind.label for kind in Kind])
    id = Integer(min_value=1, max_value=LARGEST)
    reason = serializers.ChoiceField(choices=[reason.label for reason in Reason])
    text = Multiline(max_length=TEXT_LENGTH, required=False, allow_blank=True, default="")

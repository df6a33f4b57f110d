"""The JSON shapes of input."""

from rest_framework import serializers

from api.ids import LARGEST
from api.inputs import Integer, Multiline, StrictSerializer
from api.schema import example
from reports.models import TEXT_LENGTH, Kind, Reason

KINDS = [kind.label for kind in Kind]
REASONS = [reason.label for reason in Reason]


@example({"kind": "post", "id": 7, "reason": "spam", "text": "The same advertisement everywhere."})
class ReportInput(StrictSerializer):
    """What to report (`kind` and `id`), why, and in words what is wrong with it, if there is more to say."""

    kind = serializers.ChoiceField(choices=KINDS)
    id = Integer(min_value=1, max_value=LARGEST)
    reason = serializers.ChoiceField(choices=REASONS)
    text = Multiline(max_length=TEXT_LENGTH, required=False, allow_blank=True, default="")

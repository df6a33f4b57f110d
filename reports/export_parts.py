"""What the export of an account has of this room's rows."""

from typing import Any

from django.db import models
from django.db.models import CharField, Value, When

from reports.models import Case, Kind, Reason, Report
from users.exports import Part, exclude, register


def register_parts() -> None:
    """Register the parts of this room."""
    columns = {
        "id": "pk",
        "kind": _labels("case__kind", Kind),
        "target": "case__target_id",
        "reason": _labels("reason", Reason),
        "text": "text",
        "created_at": "created_at",
    }
    register(Part("reports", Report, "reporter", "pk", columns))
    exclude(Case, "author", "what others have reported, and what the staff has decided")
    exclude(Case, "decided_by", "what the staff did is the operator's record")


def _labels(column: str, choices: Any) -> models.Case:
    named = (When(**{column: value}, then=Value(label)) for value, label in choices.choices)
    return models.Case(*named, output_field=CharField())

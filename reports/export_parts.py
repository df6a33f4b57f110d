"""What the export of an account has of this room's rows."""

from reports.models import Case, Kind, Reason, Report
from users.exports import Part, exclude, register

COLUMNS = {
    "id": "pk", "kind": "case__kind", "target": "case__target_id", "reason": "reason", "text": "text",
    "created_at": "created_at",
}  # fmt: skip
LONG_TEXTS = 200  # rows of a page


def register_parts() -> None:
    """Register the parts of this room."""
    words = {"kind": lambda number: Kind(number).label, "reason": lambda number: Reason(number).label}
    register(Part("reports", Report, "reporter", "pk", COLUMNS, shapes=words, page=LONG_TEXTS))
    exclude(Case, "author", "what others report is theirs and the staff's")
    exclude(Case, "decided_by", "what the staff decided is the operator's record")

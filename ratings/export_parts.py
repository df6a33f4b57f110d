"""What the export of an account has of this room's rows."""

from ratings.models import Score
from users.exports import Part, register


def register_parts() -> None:
    """Register the parts of this room."""
    register(Part("scores", Score, "user", "item_id", {"item": "item_id", "score": "score"}))

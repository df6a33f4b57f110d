"""What the export of an account has of this room's rows."""

from popups.models import Event, UserPopup
from users.exports import Part, register

TIMES = ("shown", "clicked", "dismissed", "last_shown_at", "last_clicked_at", "last_dismissed_at")


def register_parts() -> None:
    """Register the parts of this room; without claims, by which events are reported."""
    register(
        Part("popups", UserPopup, "user", "popup_id", {"popup": "popup_id", **{name: name for name in TIMES}}),
        Part("popup_events", Event, "user", "pk", {"popup": "popup_id", "type": "type", "at": "at"}),
    )

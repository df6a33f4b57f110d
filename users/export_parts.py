"""What the export of an account has of this room's rows."""

from django.contrib.admin.models import LogEntry

from users.exports import Part, exclude, register
from users.models import ConfirmedEmail, EmailChange, FormerName, Login, SearchTerm, User, UserState
from users.projections import OWN, STATE_COLUMNS


def register_parts() -> None:
    """Register the parts of this room."""
    register(
        Part("account", User, "pk", "pk", _same(*OWN, "last_login"), is_single=True),
        Part("state", UserState, "user", "pk", _same(*STATE_COLUMNS), is_single=True),
        Part("logins", Login, "user", "pk", _same("id", "created_at", "last_used_at", "user_agent", "expires_at")),
        Part("confirmed_emails", ConfirmedEmail, "user", "pk", _same("address", "confirmed_at")),
        Part("email_changes", EmailChange, "user", "pk", _same("email", "created_at")),
        Part("former_names", FormerName, "user_id", "pk", {"username": "name", "reserved_until": "reserved_until"}),
    )
    exclude(SearchTerm, "user", "made of the username and the nickname")
    exclude(LogEntry, "user", "what the staff did is the operator's record")
    exclude(User.groups.through, "user", "the rank among the staff is the operator's record")
    exclude(User.user_permissions.through, "user", "the rank among the staff is the operator's record")


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}

"""The popups' pages of the admin: configs with a preview, a dry run, statistics."""

from popups.admin import model_admins  # noqa: F401  registers them

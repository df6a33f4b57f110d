"""The admin of popups: configs with a preview, a dry run, statistics."""

from popups.admin import model_admins  # noqa: F401  registers the model admins

"""The Django application of rated items and their scores."""

from django.apps import AppConfig


class RatingsConfig(AppConfig):
    """Configuration of the `ratings` application; declares counters, and registers deletion and demo data."""

    name = "ratings"

    def ready(self) -> None:
        from jobs import deletion
        from ratings import counts, export_parts, removal, seeding  # noqa: F401  counts declares counters
        from ratings.models import Score
        from users import deletion_hooks, related_rows
        from users.seeding import register

        export_parts.register_parts()
        deletion_hooks.register(removal.delete_scores_of)
        deletion.register(removal.removed_items.sweep, removal.removed_items.waiting)
        register(seeding.seed)
        related_rows.register(related_rows.RelatedRows("scores", Score, "user"))

"""The Django application of the social graph."""

from django.apps import AppConfig


class SocialConfig(AppConfig):
    """Configuration of the `social` application; declares counters, registers blocks, deletion and demo data."""

    name = "social"

    def ready(self) -> None:
        from social import counts, export_parts, relationships, seeding, services  # noqa: F401  counts declares counters
        from social.models import Block, Follow
        from users import deletion_hooks, related_rows, visibility
        from users import seeding as users_seeding
        from users.related_rows import RelatedRows

        export_parts.register_parts()
        visibility.register(relationships.request_blocked)
        deletion_hooks.register(services.delete_edges_of)
        users_seeding.register(seeding.seed)
        related_rows.register(
            RelatedRows("follows", Follow, "follower"),
            RelatedRows("followers", Follow, "followee"),
            RelatedRows("blocks", Block, "blocker"),
            RelatedRows("blocked by", Block, "blocked"),
        )

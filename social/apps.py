"""The Django application of the social graph."""

from django.apps import AppConfig


class SocialConfig(AppConfig):
    """Configuration of the `social` application; declares counters, registers blocks, deletion and demo data."""

    name = "social"

    def ready(self) -> None:
        from social import counts, relationships, seeding, services  # noqa: F401  counts declares counters
        from users import deletion_hooks, visibility
        from users import seeding as users_seeding

        visibility.register(relationships.request_blocked)
        deletion_hooks.register(services.delete_edges_of)
        users_seeding.register(seeding.seed)

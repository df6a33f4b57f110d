from django.apps import AppConfig


class SocialConfig(AppConfig):
    name = "social"

    def ready(self) -> None:
        from social import counts, relationships, seeding, services  # noqa: F401  counts declares
        from users import farewells, visibility
        from users import seeding as users_seeding

        visibility.register(relationships.ask_hidden)
        farewells.register(services.end_edges_of)
        users_seeding.register(seeding.seed)

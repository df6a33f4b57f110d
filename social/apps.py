from django.apps import AppConfig


class SocialConfig(AppConfig):
    name = "social"

    def ready(self) -> None:
        from social import counts, relationships, services  # noqa: F401  counts declares
        from users import farewells, visibility

        visibility.register(relationships.ask_hidden)
        farewells.register(services.end_edges_of)

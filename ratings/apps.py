from django.apps import AppConfig


class RatingsConfig(AppConfig):
    name = "ratings"

    def ready(self) -> None:
        from ratings import counts, services  # noqa: F401  counts declares
        from users import farewells

        farewells.register(services.end_scores_of)

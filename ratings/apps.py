from django.apps import AppConfig


class RatingsConfig(AppConfig):
    name = "ratings"

    def ready(self) -> None:
        from jobs import deletion
        from ratings import counts, removal, seeding  # noqa: F401  counts declares
        from users import farewells
        from users.seeding import register

        farewells.register(removal.end_scores_of)
        deletion.register(removal.sweep)
        register(seeding.seed)

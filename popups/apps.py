from django.apps import AppConfig


class PopupsConfig(AppConfig):
    name = "popups"

    def ready(self) -> None:
        from popups import seeding, services, signals  # noqa: F401  signals connects
        from users import farewells
        from users.seeding import register

        farewells.register(services.end_popups_of)
        register(seeding.seed)

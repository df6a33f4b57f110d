from django.apps import AppConfig


class PopupsConfig(AppConfig):
    name = "popups"

    def ready(self) -> None:
        from popups import services, signals  # noqa: F401  signals connects
        from users import farewells

        farewells.register(services.end_popups_of)

from django.apps import AppConfig


class ShelfConfig(AppConfig):
    name = "tests.shelf"

    def ready(self) -> None:
        from tests.shelf import counts  # noqa: F401  declares them

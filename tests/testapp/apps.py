from django.apps import AppConfig


class TestappConfig(AppConfig):
    name = "tests.testapp"

    def ready(self) -> None:
        from tests.testapp import counts  # noqa: F401  declares the counters

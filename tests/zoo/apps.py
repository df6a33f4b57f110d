"""The application of all models of the zoo."""

from django.apps import AppConfig


class ZooConfig(AppConfig):
    """Configuration of the application `zoo`."""

    name = "tests.zoo"
    label = "zoo"

"""The Django application of the peers."""

from django.apps import AppConfig


class PeersConfig(AppConfig):
    """Configuration of the `loadtest.baselines.peers` application, whose models are tables of the project."""

    name = "loadtest.baselines.peers"

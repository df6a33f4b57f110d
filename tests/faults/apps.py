"""The application that brings faults into the processes of an installation, by the environment."""

import os

from django.apps import AppConfig


class FaultsConfig(AppConfig):
    """CRASHES names a file: the process dies at a point of the protocol (tests/faults/injection.py)."""

    name = "tests.faults"
    label = "faults"

    def ready(self) -> None:
        if "CRASHES" in os.environ:
            from tests.faults.injection import inject

            inject()

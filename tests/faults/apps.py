"""The application that brings faults into the processes of an installation, by the environment."""

import os

from django.apps import AppConfig


class FaultsConfig(AppConfig):
    """By CRASHES a process dies at a point of the protocol (injection.py), by MUTANT it breaks a rule (mutants.py)."""

    name = "tests.faults"
    label = "faults"

    def ready(self) -> None:
        if "CRASHES" in os.environ:
            from tests.faults.injection import inject

            inject()
        if name := os.environ.get("MUTANT"):
            from tests.faults.mutants import MUTANTS

            MUTANTS[name].apply()

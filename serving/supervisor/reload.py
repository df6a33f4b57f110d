"""Reload the web process on this machine's DATA_DIR and PORT, and wait for the outcome: `make reload`."""

import os
import signal
import sys
import time
from importlib import import_module
from typing import Any

from serving.supervisor import pid_file
from serving.supervisor.supervisor import RELOADED, START_S

WAIT_S = 2 * START_S  # another reload may be under way


def main() -> None:
    """Exit with status 0 if new code serves, else with a sentence and status 1."""
    settings: Any = import_module(os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings"))
    path = pid_file.pid_file_path(settings.DATA_DIR, settings.PORT)
    before = pid_file.read_lines(path)
    if not before:
        sys.exit(f"No web process runs on port {settings.PORT} with the data in {settings.DATA_DIR}.")
    os.kill(int(before[0]), signal.SIGHUP)
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        lines = pid_file.read_lines(path)
        if len(lines) > len(before) or lines[:1] != before[:1]:
            outcome = lines[-1] if lines[:1] == before[:1] else "The web process has ended."
            if not outcome.startswith(RELOADED):
                sys.exit(outcome)
            print(outcome)
            return
        time.sleep(0.1)
    sys.exit(f"The web process (process {before[0]}) has not reloaded within {WAIT_S:.0f} s.")


if __name__ == "__main__":
    main()

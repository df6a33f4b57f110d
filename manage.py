#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from config.environment import require_libraries


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if "migrate" in sys.argv[1:2]:
        os.environ.setdefault("DB_TIME_LIMIT_S", "0")  # ALTER TABLE may take long
    require_libraries()
    from django.core.management import execute_from_command_line

    from config import server_errors

    with server_errors.exit_if_unreachable():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

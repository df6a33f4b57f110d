#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from config.environment import Misconfigured, require_libraries


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if "migrate" in sys.argv[1:2]:
        os.environ.setdefault("DB_TIME_LIMIT_S", "0")  # a big table's ALTER may take long
    require_libraries()
    from django.core.management import execute_from_command_line

    from config import server_errors

    try:
        execute_from_command_line(sys.argv)
    except server_errors.FAILURES as error:
        if not (sentence := server_errors.sentence(error)):
            raise
        raise Misconfigured(sentence) from None


if __name__ == "__main__":
    main()

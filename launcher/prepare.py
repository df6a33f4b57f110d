"""Prepare the data before the first request: `python -m launcher.prepare`, run by the launcher.

Checks that the database and Redis answer, migrates, loads demo data into an empty database in debug mode, and applies
invalidations that a previous run left pending. Exits with status 1 and one sentence if a server cannot be reached.
"""

import os
from io import StringIO
from pathlib import Path

from config import environment


def main() -> None:
    """Set Django up, and prepare the data."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DB_TIME_LIMIT_S", "0")
    environment.require_libraries()
    import django

    from config import server_errors

    with server_errors.exit_if_unreachable():
        django.setup()
        _prepare()


def _prepare() -> None:
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from caching import api as caching

    caching.ping()
    connection.ensure_connection()
    call_command("migrate", interactive=False, verbosity=0)
    if settings.DEBUG:
        _seed(settings.DATA_DIR / "seeding")
    call_command("drain_invalidations", once=True, stdout=StringIO())


def _seed(unfinished: Path) -> None:
    """Load demo data once; the file `unfinished` exists meanwhile, so that an interrupted load is resumed."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    if unfinished.exists() or not get_user_model().objects.exists():
        unfinished.touch()
        print("Loading demo data, this once …", flush=True)
        call_command("seed_demo", verbosity=0)
        unfinished.unlink()


if __name__ == "__main__":
    main()

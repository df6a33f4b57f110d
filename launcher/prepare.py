"""Makes the data ready before the first request: `python -m launcher.prepare`, run by the launcher.

Checks that the database and Redis answer, migrates, loads demo data into an empty debug installation, and settles
invalidations that a previous run left behind. Exit status 1 and one sentence if a server cannot be reached.
"""

import os
from io import StringIO
from pathlib import Path

from config import environment


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DB_TIME_LIMIT_S", "0")
    environment.require_libraries()
    import django

    from config import server_errors

    try:
        django.setup()
        _prepare()
    except server_errors.FAILURES as error:
        if not (sentence := server_errors.sentence(error)):
            raise
        raise environment.Misconfigured(sentence) from None


def _prepare() -> None:
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from caching.api import redis_client

    redis_client().ping()
    connection.ensure_connection()
    call_command("migrate", interactive=False, verbosity=0)
    if settings.DEBUG:
        _seed(settings.DATA_DIR / "seeding")
    call_command("drain_invalidations", once=True, stdout=StringIO())


def _seed(unfinished: Path) -> None:
    """Demo data, once; the file stands while it is being loaded, so that an interrupted load is taken up again."""
    from django.core.management import call_command

    if unfinished.exists() or not _has_users():
        unfinished.touch()
        print("Loading demo data, this once …", flush=True)
        call_command("seed_demo", verbosity=0)
        unfinished.unlink()


def _has_users() -> bool:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.exists()


if __name__ == "__main__":
    main()

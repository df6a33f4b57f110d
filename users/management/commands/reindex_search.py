"""manage.py reindex_search: make the search terms of all users anew."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from tqdm import tqdm

from users import reindexing
from users.models import User

INCOMPLETE = 1


class Command(BaseCommand):
    """Command `reindex_search`: needed once after an upgrade that changes the terms; may run beside all writers."""

    help = (
        "Make the search terms of all users, in short transactions beside live writers. Goes on where an earlier run "
        "has stopped. Ends with status 1 if --check finds that users may have the terms of an earlier release."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; status 1 if a run is needed")
        parser.add_argument(
            "--restart", action="store_true", help="begin with the first user, whatever is done already"
        )

    def handle(self, *, check: bool, restart: bool, verbosity: int, **_: Any) -> None:
        if reindexing.is_complete() and not restart:
            self.stdout.write("All users have the search terms of this release.")
        elif check:
            self.stdout.write("Users may have the search terms of an earlier release: run manage.py reindex_search.")
            sys.exit(INCOMPLETE)
        else:
            self._run(restart=restart, quiet=verbosity == 0)

    def _run(self, *, restart: bool, quiet: bool) -> None:
        if not restart and (after := reindexing.done_up_to()):
            self.stdout.write(f"Going on after user {after}.")
        users = 0
        try:
            with tqdm(total=User.objects.count(), desc="search terms", unit=" users", disable=quiet) as bar:
                for count in reindexing.run(restart=restart):
                    users += count
                    bar.update(count)
        except Error as error:
            raise CommandError(f"{error}. Nothing is lost: run the command again to go on.") from error
        self.stdout.write(f"The search terms of {users} users are those of this release.")

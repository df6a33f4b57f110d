"""manage.py delete_user: delete accounts with too many rows for a request of the admin."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from users import services
from users.models import User


class Command(BaseCommand):
    """Command `delete_user`: deletes accounts by id; an unknown id ends it before anything is deleted."""

    help = "Deactivate users, delete in short transactions what refers to them, then the accounts. May be repeated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="+", type=int, metavar="id")

    def handle(self, *, ids: list[int], verbosity: int, **_: Any) -> None:
        known = set(User.objects.filter(pk__in=ids).values_list("pk", flat=True))
        if unknown := [user_id for user_id in ids if user_id not in known]:
            raise CommandError(f"There is no user {unknown[0]}; nobody was deleted.")
        for user_id in ids:
            rows = 0
            for deleted in services.delete_user(user_id):
                rows += deleted
                if verbosity > 1:
                    self.stdout.write(f"user {user_id}: {rows} rows so far")
            self.stdout.write(f"user {user_id} is gone, with {rows} rows that referred to it.")

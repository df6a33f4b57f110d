"""manage.py seed_demo: add demo data."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from users import seeding


class Command(BaseCommand):
    """Command `seed_demo`: seeds demo users and the data that other applications register, for development."""

    help = (
        "Add demo users with Chinese and Latin names, their data, and an administrator. May be repeated: "
        "existing data is not added again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--users", type=int, default=3_000, metavar="N", help="how many demo users (default 3000)")

    def handle(self, *, users: int, verbosity: int, **options: Any) -> None:
        if users < 0:
            raise CommandError("--users takes a number from 0.")
        added = seeding.seed(users)
        if verbosity:
            for what, rows in added.items():
                self.stdout.write(f"{rows} {what} added.")
            self.stdout.write(f"Log in to the admin as {seeding.ADMIN} with the password {seeding.PASSWORD};")
            self.stdout.write(f"every demo user has the same password, for example {seeding.example_username()}.")

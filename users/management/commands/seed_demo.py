"""manage.py seed_demo: add demo data."""

import os
import sys
from getpass import getpass
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from users import seeding

FROM_ENVIRONMENT = "DJANGO_SUPERUSER_PASSWORD"  # as Django's createsuperuser has it


class Command(BaseCommand):
    """Command `seed_demo`: seeds demo users and the data that other applications register, for development."""

    help = (
        "Add demo users with Chinese and Latin names, their data, and an administrator. May be repeated: "
        "existing data is not added again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--users", type=int, default=3_000, metavar="N", help="how many demo users (default 3000)")
        parser.add_argument(
            "--force", action="store_true",
            help=f"add them outside debug too, with a password that is asked for, or taken from {FROM_ENVIRONMENT}",
        )  # fmt: skip

    def handle(self, *, users: int, force: bool, verbosity: int, **options: Any) -> None:
        if users < 0:
            raise CommandError("--users takes a number from 0.")
        if not settings.DEBUG and not force:
            raise CommandError(
                "Demo accounts have a password that everybody knows, so they are for DEBUG=1; "
                "--force adds them here, with a password of yours."
            )
        password = seeding.PASSWORD if settings.DEBUG else self._own_password()
        added = seeding.seed(users, password)
        if verbosity:
            for what, rows in added.items():
                self.stdout.write(f"{rows} {what} added.")
            shown = password if settings.DEBUG else "you gave"
            self.stdout.write(f"Log in to the admin as {seeding.ADMIN} with the password {shown};")
            self.stdout.write(f"every demo user has the same password, for example {seeding.example_username()}.")

    def _own_password(self) -> str:
        password = os.environ.get(FROM_ENVIRONMENT) or self._asked_password()
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        if password == seeding.PASSWORD:
            raise CommandError("Everybody knows this password.")
        return password

    def _asked_password(self) -> str:
        if not sys.stdin.isatty():
            raise CommandError(f"There is no terminal to ask for a password: set {FROM_ENVIRONMENT}.")
        password = getpass("Password of the administrator and of all demo users: ")
        if getpass("Password (again): ") != password:
            raise CommandError("The two passwords differ.")
        return password

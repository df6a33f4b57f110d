"""manage.py sign_tokens: sign access tokens without log-ins, which take too long for hundreds of users."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rest_framework_simplejwt.tokens import AccessToken

from users.models import User


class Command(BaseCommand):
    """Command `sign_tokens`: signs tokens by user id, without reading the users."""

    help = "Print access tokens of the users with the ids --first, --first + --step, … up to --last, one per line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name in ("--first", "--last", "--step"):
            parser.add_argument(name, type=int, required=True)

    def handle(self, *args: Any, first: int, last: int, step: int, **options: Any) -> None:
        for pk in range(first, last + 1, step):
            self.stdout.write(str(AccessToken.for_user(User(pk=pk))))

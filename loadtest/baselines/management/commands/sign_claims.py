"""manage.py sign_claims: sign claims of a popup that was shown to nobody, for events of the benchmark's users."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from popups.delivery import claims


class Command(BaseCommand):
    """Command `sign_claims`: signs tokens of claims."""

    help = "Print the tokens of a claim of --popup for each of the users with the ids 1 to --users, one per line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name in ("--users", "--popup"):
            parser.add_argument(name, type=int, required=True)

    def handle(self, *args: Any, users: int, popup: int, **options: Any) -> None:
        for user_id in range(1, users + 1):
            self.stdout.write(claims.sign(claims.new_claim(), user_id=user_id, popup_id=popup))

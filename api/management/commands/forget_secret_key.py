"""`manage.py forget_secret_key`: allow another SECRET_KEY than before, without the former one in the fallbacks."""

from typing import Any

from django.core.management.base import BaseCommand

from api import installation


class Command(BaseCommand):
    """Forgets which SECRET_KEY the processes of this installation have."""

    help = "Let the next process that starts say which SECRET_KEY is right, after the key was replaced at once."

    def handle(self, *args: Any, **options: Any) -> None:
        forgotten = installation.forget()
        self.stdout.write(
            "The next process that starts says which SECRET_KEY is right." if forgotten else "No key was known."
        )

"""The rule for birthdays, of the API and of the admin."""

from datetime import date

from django.core.exceptions import ValidationError
from django.utils import timezone

EARLIEST = date(1900, 1, 1)


def validate_birthday(day: date) -> None:
    """Raise ValidationError for a day later than today (UTC), or before EARLIEST."""
    if not EARLIEST <= day <= timezone.now().date():
        raise ValidationError(f"A birthday is not later than today, nor before {EARLIEST}.")

"""manage.py seed_benchmark: create many users at once, with ids from 1."""

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand
from django.db import models

from users.models import User

BATCH = 2_000
FIRST_DAY = datetime(2024, 1, 1, microsecond=250_001, tzinfo=UTC)  # whole seconds are rare, and cost more as JSON


class Command(BaseCommand):
    """Command `seed_benchmark`: inserts the benchmark's users in bulk, without writing the cache."""

    help = "Create the users user1, user2, … up to --users, all with one password; existing users are left unchanged."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--users", type=int, required=True)
        parser.add_argument("--password", required=True)

    def handle(self, *args: Any, users: int, password: str, **options: Any) -> None:
        first = (User.objects.aggregate(last=models.Max("pk"))["last"] or 0) + 1
        hashed = make_password(password)
        for start in range(first, users + 1, BATCH):
            numbers = range(start, min(start + BATCH, users + 1))
            # A plain QuerySet: the model's manager would invalidate cache entries, and there are none of new users.
            models.QuerySet[User](User).bulk_create([_user(number, hashed) for number in numbers])


def _user(number: int, hashed: str) -> User:
    return User(
        pk=number,
        username=f"user{number}",
        password=hashed,
        nickname=f"小明 Sample {number}",
        avatar=f"https://images.example.com/avatars/{number}.webp",
        bio="Lives by the river, reads a lot, 喜欢爬山和摄影.",
        gender=("female", "male", "")[number % 3],
        country="CN" if number % 2 else "DE",
        city="杭州" if number % 2 else "Leipzig",
        language="zh" if number % 2 else "de",
        level=1 + number % 60,
        is_vip=number % 10 == 0,
        created_at=FIRST_DAY + timedelta(minutes=number),
        email=f"user{number}@example.com",
    )

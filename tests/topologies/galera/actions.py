"""What processes of the application do for the tests on Galera; imported where Django is set up."""

import time
from typing import Any

from django.db import OperationalError, connection


def new_user(username: str) -> int:
    from users.models import User

    return User.objects.create_one(username=username, password="!").pk


def nickname(user_id: int) -> str:
    from users.models import User

    return User.objects.get_one(user_id).nickname


def rename(user_id: int, name: str) -> None:
    from users.models import User

    User.objects.update_one(user_id, nickname=name)


def number_of_failure(function: Any, *arguments: Any) -> tuple[int, float]:
    """Return the number of the database's error that a function raises, and after how many seconds it does."""
    began = time.monotonic()
    try:
        function(*arguments)
    except OperationalError as error:
        connection.close()
        return error.args[0], time.monotonic() - began
    raise AssertionError("It did not fail.")

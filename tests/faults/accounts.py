"""Accounts, popups and tokens of an installation: `python -m tests.faults.accounts NUMBER`, in its environment.

Prints the accounts as JSON, [[id, access token], …].
"""

import json
import sys

import django

POPUPS = 3  # of which one is always due


def make(number: int) -> list[tuple[int, str]]:
    from popups.models import Popup
    from users import logins
    from users.models import User

    first = User.objects.count()
    for each in range(0 if first else POPUPS):
        Popup.objects.create(title=f"Popup {each}", reshow_hours=0, click_cooldown_hours=0)
    users = [User.objects.create_one(username=f"player{first + each}") for each in range(number)]
    return [
        (user.pk, logins.begin(user.pk, generation=user.token_generation, user_agent="")["access"]) for user in users
    ]


if __name__ == "__main__":
    django.setup()
    print(json.dumps(make(int(sys.argv[1]))))

"""The rules for usernames."""

import re

USERNAME = re.compile(r"[A-Za-z0-9_.]{3,30}", re.ASCII)
USERNAME_LENGTH = 30
USERNAME_RULE = "A username has 3 to 30 characters: letters A-Z, digits, underscores and dots."

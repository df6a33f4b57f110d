"""The two columns of an account by which its tokens end before they expire; see docs/decisions/0013-ending-tokens.md.

`token_generation` is one number in two halves. The upper half is replaced when the password changes or the account is
deactivated, and ends every token. The lower half is replaced when too many logins end within the life of an access
token, and ends access tokens alone. `ended_logins` lists logins whose access tokens have not all expired yet, as
" id:until id:until", until in Unix seconds.
"""

import secrets
from typing import Any

HALF_BITS = 31
MOST_CHARACTERS = 1_000  # at least 32 logins


def new_generation() -> int:
    """Return a number that ends every token. Random, so that no write of an old row brings a token back."""
    return 1 + secrets.randbelow(2**HALF_BITS - 1) << HALF_BITS


def all_ended() -> dict[str, Any]:
    """Return the columns of an account that end all of its tokens."""
    return {"token_generation": new_generation(), "ended_logins": ""}


def next_access_generation(generation: int) -> int:
    """Return a number that ends access tokens, and keeps refresh tokens."""
    return refresh_half(generation) << HALF_BITS | secrets.randbelow(2**HALF_BITS)


def refresh_half(generation: int) -> int:
    """Return the part of a generation that refresh tokens and logins depend on."""
    return generation >> HALF_BITS


def with_ended(ended_logins: str, login: int, *, now: float, life_s: float) -> str | None:
    """Return the list with one more login, and without those that are over; None if there is no room."""
    current = [entry for entry in ended_logins.split() if int(entry.partition(":")[2]) > now]
    text = "".join(f" {entry}" for entry in (*current, f"{login}:{int(now + life_s)}"))
    return text if len(text) <= MOST_CHARACTERS else None


def has_ended(ended_logins: str, login: int) -> bool:
    """Return whether a list names a login."""
    return f" {login}:" in ended_logins

"""The rules for usernames.

Names that exist follow USERNAME; new ones also begin and end with a letter or digit, and the public gets no reserved
one, in any case. So an older account keeps its name.
"""

import re

from django.core.exceptions import ValidationError
from django.db import IntegrityError

FORMER_NAME_DAYS = 90
"""How long nobody else can take the name of a deleted account, or one that an account has given up."""
USERNAME = re.compile(r"[A-Za-z0-9_.]{3,30}", re.ASCII)
USERNAME_LENGTH = 30
USERNAME_RULE = "A username has 3 to 30 characters: letters A-Z, digits, underscores and dots."
BEGINNING = re.compile(r"[A-Za-z0-9_.]{1,30}", re.ASCII)
"""The beginning of a username, for searches."""
_FORM = re.compile(r"[A-Za-z0-9]+(?:[._][A-Za-z0-9]+)*", re.ASCII)

# Written without dots and underscores.
RESERVED = frozenset(
    (
        # RFC 2142: roles, network operations, services
        "abuse", "hostmaster", "info", "listmaster", "list", "marketing", "news", "noc", "postmaster", "sales",
        "security", "support", "trouble", "usenet", "uucp", "webmaster", "www", "ftp",
        # staff, and who might be taken for it
        "admin", "administrator", "adm", "superuser", "sysadmin", "root", "owner", "staff", "team", "mod", "moderator",
        "moderation", "operator", "official", "verified", "system", "daemon", "daemons", "bot", "service", "helpdesk",
        "help", "contact", "feedback", "billing", "payment", "payments", "legal", "privacy", "terms", "compliance",
        "trust", "safety", "press", "media", "jobs", "careers",
        # nobody and everybody
        "noreply", "donotreply", "mailerdaemon", "nobody", "anonymous", "anybody", "everybody", "everyone", "all",
        "unknown", "undefined", "null", "none", "deleted",
        # the product
        "hotpath", "hotpathadmin", "hotpathofficial", "hotpathstaff", "hotpathsupport", "hotpathteam",
        # words of the API's addresses
        "api", "docs", "schema", "auth", "login", "logout", "register", "signin", "signup", "signout", "account",
        "accounts", "settings", "token", "refresh", "password", "user", "users", "username", "self", "me",
        "search", "profile", "profiles", "state", "relationships", "friends", "blocks", "followers", "following",
        "posts", "comments", "counters", "favorites", "ratings", "popups", "reports", "healthz", "readyz", "metrics",
        "static",
        # machines
        "localhost", "mail", "email", "smtp", "imap", "dns", "mx", "ns", "cdn", "status",
    )
)  # fmt: skip
# Digits that are read as letters: "adm1n", "r00t". A 1 is read as I or as L.
_LOOKALIKES = [str.maketrans("013457", f"o{letter}east") for letter in "il"]


class UsernameReserved(IntegrityError):
    """Another account had this name until a short while ago."""


def folded(username: str) -> str:
    """Return the one form of names that differ only in case."""
    return username.lower()


def validate_form(username: str) -> None:
    """Raise ValidationError for a new username that has punctuation at its ends, or two such characters in a row."""
    if USERNAME.fullmatch(username) and not _FORM.fullmatch(username):
        raise ValidationError(
            "A username begins and ends with a letter or digit, with single dots and underscores between."
        )


def is_reserved(username: str) -> bool:
    """Return whether a name is reserved, in any case, with or without dots and underscores or digits for letters."""
    plain = re.sub("[._]", "", username).lower()
    return any(name in RESERVED for name in (plain, *(plain.translate(table) for table in _LOOKALIKES)))

"""Links that people may give, so that no browser and no app reads another address, or a script, into them."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

WEB = ("https", "http")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://(?=[^/])", re.ASCII | re.IGNORECASE)
# Blanks, control and invisible characters, which readers of a link skip, and the backslash, which some read as a slash.
_MISREAD = re.compile(r"[\\\s\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")
_SKIPPED = re.compile(r"[\s\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")
_RUNS = re.compile("(javascript|vbscript|data|file|blob):", re.IGNORECASE)
_is_web_address = URLValidator(schemes=WEB)


def validate_link(text: str, schemes: Collection[str] = WEB) -> None:
    """Raise ValidationError for a link that is not a whole address under one of the schemes.

    An address of the web has a valid host, and no user name, which would look like the host.
    """
    match = _SCHEME.match(text)
    if match is None or match[1].lower() not in schemes or _MISREAD.search(text):
        raise ValidationError(f"A link is an address under {' or '.join(f'{each}://' for each in schemes)}.")
    if match[1].lower() in WEB:
        _is_web_address(text)
        if "@" in urlsplit(text).netloc:
            raise ValidationError("A link has no user name before its host.")


def may_run(text: str) -> bool:
    """Return whether a reader of the link might run it as a script, or open what is in it or on the device."""
    return bool(_RUNS.match(_SKIPPED.sub("", text)))

"""Versions of the app, as builds are called: 3.2, v3.2.0, 3.2.0-beta.1, 3.2.0rc1, 3.2.0 (42), 3.2.0+5."""

import re

LONGEST = 64
BELOW_ALL, ABOVE_ALL = (-1,), (10**18,)  # sort before and after every version
_BUILD = r"(?:[+( ].*)?"  # does not count; a "+" that a client did not encode arrives as a space
_PRE_RELEASE = r"-(?P<pre>[0-9a-z-]+(?:\.[0-9a-z-]+)*)|[._]?(?P<short>(?:alpha|beta|rc|dev|preview|pre|[abc])[0-9]*)"
_VERSION = re.compile(
    rf"v?(?P<numbers>[0-9]{{1,18}}(?:\.[0-9]{{1,18}}){{0,3}})(?:{_PRE_RELEASE})?{_BUILD}", re.ASCII | re.IGNORECASE
)

Version = tuple[int | tuple[int, int | str], ...]


def parse_version(text: str) -> Version | None:
    """Return a tuple that sorts as versions do, the same for "3.2", "3.2.0" and "3.2.0 (42)"; None for other texts.

    A pre-release comes before its release, and pre-releases follow each other as Semantic Versioning 2.0 has it.
    """
    found = _VERSION.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if found is None:
        return None
    numbers = [int(number) for number in found["numbers"].split(".")]
    numbers += [0] * (4 - len(numbers))
    if not (label := found["pre"] or found["short"]):
        return (*numbers, 1)
    return (*numbers, 0, *map(_identifier, label.lower().split(".")))


def _identifier(text: str) -> tuple[int, int | str]:
    """Return the sort key of a part of a pre-release: numbers come before words."""
    return (0, int(text)) if text.isdecimal() else (1, text)

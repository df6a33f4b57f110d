"""Numbers, times and errors as operators read them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings

LONGEST_ERROR = 300


def duration(seconds: float | None) -> str:
    """Return a time as "12 s", "3 min" or "2 days, 4 h"; "–" for None."""
    if seconds is None:
        return "–"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    days, hours = divmod(round(seconds / 3_600), 24)
    return str(timedelta(days=days)).partition(",")[0] + f", {hours} h" if days else f"{hours} h"


def size(number: float) -> str:
    """Return a number of bytes as "1.4 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1_000:
            return f"{number:.1f} {unit}" if unit != "B" else f"{number:.0f} B"
        number /= 1_000
    return f"{number:.1f} TB"


def said(error: BaseException) -> str:
    """Return an error in one line, without the passwords of any server."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    for secret in _secrets():
        text = text.replace(secret, "***")
    return text[:LONGEST_ERROR]


def _secrets() -> Iterator[str]:
    """Yield the longer ones first, as one may be a part of another."""
    found = {entry.get("PASSWORD") for entry in settings.DATABASES.values()} | {settings.SECRET_KEY}
    for entry in settings.CACHES.values():
        location: Any = entry.get("LOCATION") or ""
        for url in location if isinstance(location, list | tuple) else [location]:
            login = urlsplit(url).netloc.rpartition("@")[0]
            found |= {login.partition(":")[2], unquote(login.partition(":")[2])}
    yield from sorted((str(each) for each in found if each), key=len, reverse=True)

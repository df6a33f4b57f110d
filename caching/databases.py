"""Which database a model's rows are in, and how keys name it: none is answered from another's entries."""

import os
import re
import secrets
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, router

from .conf import conf, prefix

LONGEST_PART = 36
"""The greatest length of a part of a key; a longer one is replaced by a digest."""

_is_plain = re.compile(r"[A-Za-z0-9_.-]*").fullmatch
_SCHEMA = re.compile(r"search_path\s*=\s*(\S+)")
_ADDRESS = ("service", "read_default_file", "read_default_group", "unix_socket", "host", "port", "database", "db")

_known: dict[str, tuple[Any, str]] = {}
"""By alias, the NAME that a database had, and its name in keys."""


def database_of(model: Any) -> str:
    """Return the alias of the database that the router now names for a model's rows: writes, and reads of the cache."""
    return primary_of(router.db_for_write(model)) if router.routers else DEFAULT_DB_ALIAS


def primary_of(alias: str) -> str:
    """Return the alias of which this one is another connection (TEST MIRROR), or itself."""
    return (connections.settings[alias].get("TEST") or {}).get("MIRROR") or alias


def is_namesake(alias: str, other: str) -> bool:
    """Return whether the databases of two aliases have the same NAME."""
    return bool(connections.settings[alias]["NAME"] == connections.settings[other]["NAME"])


def key_prefix(using: str) -> str:
    """Return what the keys of all entries from one database begin with: `prefix:database:`."""
    # Each question passes through here: few calls.
    name, known, begin = connections.settings[using]["NAME"], _known.get(using), conf().prefix
    if known is None or known[0] != name:
        known = _learn(using, name)
    return f"{begin if type(begin) is str else prefix()}:{known[1]}:"


def require_own(keys: Iterable[str]) -> None:
    """Raise ImproperlyConfigured if PREFIX, a function, gives another prefix by now than when the keys were asked for:
    the database would answer for another tenant."""
    if callable(conf().prefix):
        begin = f"{prefix()}:"
        if not all(key.startswith(begin) for key in keys):
            raise ImproperlyConfigured("A batch was asked for one tenant and run for another: PREFIX has changed.")


def quoted(text: str) -> str:
    """Return a part of a key that stands for a text: without ':', braces, spaces and '*', and never too long."""
    if len(text) <= LONGEST_PART and _is_plain(text):
        return text
    safe = quote(text, safe="", errors="surrogatepass")
    return safe if len(safe) <= LONGEST_PART else digest(text)


def digest(text: str) -> str:
    """Return a part of a key that stands for a long text, and that `quoted` gives for no other."""
    return "=" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Address(NamedTuple):
    """Where a database is; two aliases with one address are one database."""

    vendor: str
    host: str
    port: str
    name: str
    schema: str
    options: tuple[tuple[str, str], ...]


def address_of(alias: str) -> Address:
    """Return the address of an alias; that of another connection's primary is the primary's."""
    alias = primary_of(alias)
    settings, vendor = connections.settings[alias], connections[alias].vendor
    options = settings.get("OPTIONS") or {}
    schema = _SCHEMA.search(str(options.get("options", "")))
    name = _sqlite_name(alias, settings["NAME"]) if vendor == "sqlite" else str(settings["NAME"] or "")
    where = tuple((each, str(options[each])) for each in _ADDRESS if each in options)
    host, port = (str(settings.get(each) or "") for each in ("HOST", "PORT"))
    return Address(vendor, host, port, name, schema[1] if schema else "", where)


def name_of(alias: str) -> str:
    """Return how keys name the database of an alias.

    That is its NAME. Where an earlier alias has the same NAME elsewhere, the alias is added.
    """
    primary, own = primary_of(alias), address_of(alias)
    namesakes = [each for each in connections.settings if address_of(each)[3:5] == own[3:5]]
    first = next((each for each in namesakes if address_of(each) == own), primary)
    parts = [own.name, *([own.schema] if own.schema else []), *([first] if namesakes[:1] != [first] else [])]
    return quoted("@".join(parts))


def _learn(using: str, name: Any) -> tuple[Any, str]:
    _known.clear()  # a test runner renames databases one by one: the names of the others depend on this one
    known = _known[using] = (name, name_of(using))
    return known


def _sqlite_name(alias: str, name: Any) -> str:
    text = str(name or ":memory:")
    if text == ":memory:" or "mode=memory" in text:  # no other process sees it, whatever its name
        return f"memory-{_process()}-{alias if text == ':memory:' else text}"
    path = os.path.realpath(text.removeprefix("file:").partition("?")[0])
    return f"{Path(path).stem[:20]}.{blake2b(path.encode(), digest_size=5).hexdigest()}"


@cache
def _process() -> str:
    return secrets.token_hex(4)


os.register_at_fork(after_in_child=_known.clear)
os.register_at_fork(after_in_child=_process.cache_clear)

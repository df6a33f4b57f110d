"""Lua scripts, which are sent by their hash."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Command = tuple[Any, ...]

sources: dict[str, str] = {}
"""The text of every script by its hash, for a Redis that does not know it yet."""


names: dict[str, str] = {}
"""What scripts out of files are called, by their hash."""

KEY_AT = {"XGROUP": 2, "XINFO": 2, "OBJECT": 2}
"""Where the first key of these commands is; it follows the name of others."""


def key_of(command: Command) -> str:
    """Return the key of a command by which a cluster chooses its server; any text of a command without keys."""
    name = command[0]
    if name in {"EVALSHA", "EVAL"}:
        return command[3] if command[2] else ""
    if name in {"XREAD", "XREADGROUP"}:
        return str(command[command.index("STREAMS") + 1])
    at = KEY_AT.get(name, 1)
    return str(command[at]) if at < len(command) else ""


def keys_of(command: Command) -> Sequence[str]:
    """Return all keys of a command that reads entries, GET, MGET or a script; of another one, its first."""
    if command[0] in {"EVALSHA", "EVAL"}:
        return command[3 : 3 + int(command[2])]
    return command[1:] if command[0] == "MGET" else [key_of(command)]


class Script:
    """A Lua script; it must touch one key, or keys that share a slot."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        sources[self.sha] = source

    @classmethod
    def from_files(cls, folder: Path, *files: str) -> "Script":
        """Join the files `folder`/name.lua, in this order, into one script."""
        script = cls("".join((folder / f"{name}.lua").read_text() for name in files))
        names[script.sha] = files[-1]
        return script

    def command(self, keys: Sequence[str], args: Iterable[Any]) -> Command:
        """Return the command that runs the script."""
        return ("EVALSHA", self.sha, len(keys), *keys, *args)

"""The Lua scripts of popups."""

from pathlib import Path

from caching.extend import Script


def _script(name: str) -> Script:
    return Script.from_files(Path(__file__).parent / "lua", name)


claim, record, take, acknowledge, scan = (_script(name) for name in ("claim", "record", "take", "acknowledge", "scan"))

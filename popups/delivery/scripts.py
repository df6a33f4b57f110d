"""The Lua scripts of popups."""

from pathlib import Path

from caching.extend import Script


def _script(name: str) -> Script:
    return Script.from_files(Path(__file__).parent / "lua", name)


claim, record = _script("claim"), _script("record")
take, acknowledge, scan = _script("take"), _script("acknowledge"), _script("scan")
grant, take_back = _script("grant"), _script("take_back")
seal, unseal, length, oldest = _script("seal"), _script("unseal"), _script("length"), _script("oldest")

"""The Lua scripts, and the keys that they share."""

from pathlib import Path

from caching.extend import Script, conf
from popups.states import STEM

STREAM = f"{STEM}events"
LONGEST_STREAM = 1_000_000
"""Events that may wait to be drained, about 150 bytes each. Beyond it nothing is shown, rather than unrecorded."""


def _script(name: str) -> Script:
    return Script.from_files(Path(__file__).parent / "lua", name)


claim, record, take, settle, scan = (_script(name) for name in ("claim", "record", "take", "settle", "scan"))


def prefixed(key: str) -> str:
    """Batch.script() does this by itself."""
    return f"{conf().prefix}:{key}"


def state_key(user_id: int) -> str:
    return f"{STEM}{user_id}"


def total_key(popup_id: int) -> str:
    return f"{STEM}total:{popup_id}"

"""The Redis keys of popups. All share one hash tag, so that a claim is atomic on a cluster too (decision 0008)."""

from caching.extend import conf

_TAG = "{popups}:"
STREAM = f"{_TAG}events"
VERSION = f"{_TAG}version"
LONGEST_STREAM = 1_000_000
"""Events that may wait to be drained, about 150 bytes each. Beyond it no popup is shown: its event would be lost."""


def state_key(user_id: int) -> str:
    """Return the key of what a user was shown, without the prefix of the project."""
    return f"{_TAG}{user_id}"


def total_key(popup_id: int) -> str:
    """Return the key of how often a popup was shown to all users, without the prefix of the project."""
    return f"{_TAG}total:{popup_id}"


def prefixed(key: str) -> str:
    """Return a key as it stands in Redis; Batch.script() adds the prefix by itself."""
    return f"{conf().prefix}:{key}"

"""The Redis keys of popups. All share one hash tag, so that a claim is atomic on a cluster too (decision 0008)."""

from caching.extend import prefix

_TAG = "{popups}:"
STREAM = f"{_TAG}events"
VERSION = f"{_TAG}version"
MAX_STREAM_LENGTH = 1_000_000
"""The most events in the stream, about 150 bytes each. Beyond it no popup is shown: its event would be lost."""


def state_key(user_id: int) -> str:
    """Return the key of a user's state, without the prefix of the project."""
    return f"{_TAG}{user_id}"


def total_key(popup_id: int) -> str:
    """Return the key of a popup's number of showings to all users, without the prefix of the project."""
    return f"{_TAG}total:{popup_id}"


def prefixed(key: str) -> str:
    """Return a key with the prefix of the project. Batch.script() needs keys without it."""
    return f"{prefix()}:{key}"

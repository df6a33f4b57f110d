"""Hooks that delete the rows that refer to a user, before the user is deleted.

A cascade would delete all of them in one transaction. For a user with a million followers that takes hours, longer than
a hold on cache keys or a lock may last. So each app registers a hook that deletes its rows in short transactions.
"""

from collections.abc import Callable, Iterable, Iterator

Hook = Callable[[int], Iterator[int]]
KeysHook = Callable[[int], Iterable[str]]
_hooks: list[Hook] = []
_keys_hooks: list[KeysHook] = []


def register(hook: Hook) -> None:
    """Register `hook(user_id)`, which deletes rows in short transactions and yields the number of rows of each.

    An interrupted hook must be able to start again. Call this in AppConfig.ready().
    """
    _hooks.append(hook)


def run_all(user_id: int) -> Iterator[int]:
    """Run all hooks for a user; yield the number of rows that each transaction deleted."""
    for hook in _hooks:
        yield from hook(user_id)


def register_keys(hook: KeysHook) -> None:
    """Register `hook(user_id)`, which returns Redis keys of a user, those that caching.api.owned_keys() does not know.

    They are deleted when the account is gone. Call this in AppConfig.ready().
    """
    _keys_hooks.append(hook)


def redis_keys(user_id: int) -> list[str]:
    """Return the Redis keys that all hooks name for a user."""
    return [key for hook in _keys_hooks for key in hook(user_id)]

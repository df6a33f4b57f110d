"""Hooks that delete the rows that refer to a user, before the user is deleted.

A cascade would delete all of them in one transaction. For a user with a million followers that takes hours, longer than
a hold on cache keys or a lock may last. So each app registers a hook that deletes its rows in short transactions.
"""

from collections.abc import Callable, Iterator

Hook = Callable[[int], Iterator[int]]
_hooks: list[Hook] = []


def register(hook: Hook) -> None:
    """Register `hook(user_id)`, which deletes rows in short transactions and yields the number of rows of each.

    An interrupted hook must be able to start again. Call this in AppConfig.ready().
    """
    _hooks.append(hook)


def run_all(user_id: int) -> Iterator[int]:
    """Run all hooks for a user; yield the number of rows that each transaction deleted."""
    for hook in _hooks:
        yield from hook(user_id)

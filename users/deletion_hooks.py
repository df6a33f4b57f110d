"""What ends before a user does.

A cascade deletes everything that points at a user in one transaction: for a user with a million followers that takes
hours, longer than any hold or lock may last. So rooms above register how their rows are deleted a few at a time.
"""

from collections.abc import Callable, Iterator

Ending = Callable[[int], Iterator[int]]
_endings: list[Ending] = []


def register(end: Ending) -> None:
    """`end(user_id)` deletes rows in short transactions and yields how many each deleted; cut short and called again,
    it goes on. To be called in AppConfig.ready()."""
    _endings.append(end)


def run_all(user_id: int) -> Iterator[int]:
    for end in _endings:
        yield from end(user_id)

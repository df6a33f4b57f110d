"""Running code of the test between two steps of the application: the application's code is real, the timing chosen."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock


@contextlib.contextmanager
def interpose(
    owner: Any, name: str, *, before: Callable[[], Any] | None = None, after: Callable[[], Any] | None = None
) -> Iterator[list[Any]]:
    """Call `before` and `after` around the first call of `owner.name`; yield the list of what they returned.

    AssertionError if `owner.name` is not called in the block.
    """
    original = getattr(owner, name)
    actions = [(before, after)]
    results: list[Any] = []

    def call(*args: Any, **options: Any) -> Any:
        first, second = actions.pop() if actions else (None, None)
        if first:
            results.append(first())
        answer = original(*args, **options)
        if second:
            results.append(second())
        return answer

    with mock.patch.object(owner, name, call):
        yield results
    assert not actions, f"{name} was not called"

"""A bounded dict that keeps what was used recently, and how to tell whether it is worth asking."""

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(dict[Key, Value | None]):
    """Keeps at least the `size` // 2 entries that were used last, and at most about `size`.

    Of several threads that use it at once, one may lose what another has put. `recent[key]` is None for what is not
    kept. Unlike functools.lru_cache it can be asked for a value that is not to be kept if it is absent, and a hit costs
    no more than that of a dict.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self._half = size // 2
        self._older: dict[Key, Value | None] = {}

    def __missing__(self, key: Key) -> Value | None:
        value = self._older.pop(key, None)
        if value is not None:
            self.put(key, value)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value. When half of the entries are new, the others are dropped."""
        if len(self) >= self._half:
            self._older = dict(self)
            self.clear()
        self[key] = value

    def kept(self) -> int:
        """Return the number of entries."""
        return len(self) + len(self._older)


class HitRate:
    """Watches how often a memory has what it is asked for, and pauses one that costs more than it saves.

    A memory of `size` values begins empty, and is judged once FILLING × `size` questions have filled it: where less
    than half of the next `size` questions is answered, the next PAUSE × `size` questions go without.
    """

    FILLING, PAUSE = 4, 50

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = self._hits = 0
        self._asked = -self.FILLING * size

    def is_paused(self, questions: int) -> bool:
        """Return whether these questions are to go without the memory."""
        if self._left <= 0:
            return False
        self._left -= questions
        return True

    def note(self, questions: int, hits: int) -> None:
        """Count questions, and those that were answered."""
        self._asked += questions
        if self._asked <= 0:
            return
        self._hits += hits
        if self._asked >= self._size:
            if self._hits * 2 < self._asked:
                self._left, self._asked = self.PAUSE * self._size, -self.FILLING * self._size
            else:
                self._asked = 0
            self._hits = 0

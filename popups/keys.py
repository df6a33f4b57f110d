"""The Redis keys of popups, by shard.

All keys of a shard share one hash tag, so that a claim is atomic on a cluster too (decision 0008). With one shard the
tag is `{popups}`; several have tags that are spread over the slots, and each user belongs to one of them (0032).
"""

from functools import lru_cache
from typing import NamedTuple

from caching.extend import prefix
from popups.slots import spread_tags

MAX_STREAM_LENGTH = 1_000_000
"""The most events in a stream, about 150 bytes each. Beyond it no popup is shown: its event would be lost."""
MOST_SHARDS = 1_024
_NAME = "popups"
_GOLDEN, _MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1  # 2^64 divided by the golden ratio


class Shard(NamedTuple):
    """One of the `of` shards of a layout: the users whose states, showings and events share a hash tag.

    `begin` is what its keys begin with, without the prefix of the project; `stream` is the key of its events, `version`
    that of the version of the configs.
    """

    layout: int
    of: int
    number: int
    begin: str
    stream: str
    version: str

    @property
    def is_only(self) -> bool:
        """Whether all users belong to this shard, so that it knows the total of each popup."""
        return self.of == 1

    @property
    def sealed(self) -> "Shard":
        """The same shard with the stream that its events are in once it is sealed."""
        return self._replace(stream=f"{self.begin}events:sealed")

    @property
    def alive_key(self) -> str:
        """The key of a mark that is missing once Redis has lost the data of this shard."""
        return f"{self.begin}alive"

    def state_key(self, user_id: int) -> str:
        """Return the key of a user's state."""
        return f"{self.begin}{user_id}"

    def total_key(self, popup_id: int) -> str:
        """Return the key of a popup's number of showings to the users of this shard."""
        return f"{self.begin}total:{popup_id}"

    def table_id(self, stream_id: str) -> str:
        """Return the id in the table of an event in the stream; streams may give the same id to different events."""
        return f"{self.layout}.{self.number}:{stream_id}" if self.layout else stream_id


class Layout(NamedTuple):
    """How users are divided among shards. Each change has another number, so that no key of an older one is used."""

    number: int
    shards: tuple[Shard, ...]

    def shard_of(self, user_id: int) -> Shard:
        """Return the shard of a user.

        Ids in steps (of 3 on Galera) are spread as well, which a remainder would not do: multiples of the golden ratio
        fill a range evenly (Knuth, The Art of Computer Programming, volume 3, 6.4).
        """
        shards = self.shards
        return shards[0] if len(shards) == 1 else shards[((user_id * _GOLDEN & _MASK) * len(shards)) >> 64]


@lru_cache(maxsize=64)
def layout_of(number: int, shards: int) -> Layout:
    """Return the layout of a number; always the same object."""
    tags = (_NAME,) if shards == 1 else spread_tags(_NAME, shards)
    begins = [f"{{{tag}}}:l{number}:" if number else f"{{{tag}}}:" for tag in tags]
    made = (Shard(number, shards, at, each, f"{each}events", f"{each}version") for at, each in enumerate(begins))
    return Layout(number, tuple(made))


FIRST_LAYOUT = layout_of(0, 1)
"""The layout before the first change: one shard, whose keys have no number."""


def prefixed(key: str) -> str:
    """Return a key with the prefix of the project. Batch.script() needs keys without it."""
    return f"{prefix()}:{key}"

"""What is asked for before sessions are measured: each id once, as nothing is new to a server that runs for days.

Sessions alone leave much out: by Zipf's law most ids are rare, and each would be loaded while it is measured. Standard
library only.
"""

from collections.abc import Iterator, Sequence

from loadtest.load.session_mix import Play, Request

AT_ONCE = 50  # ids of a request


def plays(*, users: Sequence[int], owners: Sequence[int], posts: Sequence[int]) -> Iterator[Play]:
    """Yield plays of one request each, which together ask for all of these ids."""
    for kind, ids, target in (
        ("users?ids", users, "{}"),
        ("users/profiles", users, "{}"),
        ("posts?ids", posts, "{}"),
        ("counters", posts, "post:{}"),
    ):
        for begin in range(0, len(ids), AT_ONCE):
            texts = ",".join(map(target.format, ids[begin : begin + AT_ONCE]))
            yield _play(kind, f"{kind.partition('?')[0]}?{'targets' if kind == 'counters' else 'ids'}={texts}")
    for kind, ids in (("users/{id}/posts", owners), ("posts/{id}/comments", posts)):
        for each in ids:
            yield _play(kind, kind.format(id=each))


def _play(kind: str, path: str) -> Play:
    yield Request(kind, "GET", path)

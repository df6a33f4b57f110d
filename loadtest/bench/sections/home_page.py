"""Home pages of 15 posts, with few likes in the table and with very many; and a check of 50 favourites."""

from functools import partial
from typing import Any

from loadtest.bench import report
from loadtest.bench import seed_posts as writings
from loadtest.bench.compare import CONNECTIONS, THREADS, WARM_UP, Result, Variant, compare, summaries
from loadtest.bench.environment import Ground
from loadtest.load.zipf import Zipf

OWNERS, POSTS_EACH = 100, 20
POSTS = OWNERS * POSTS_EACH
COMMENTS_EACH, FAVORITES_EACH, REPOSTS_EACH = 20, 20, 3
CHECKED = 50
MOST_ROUND_TRIPS, ALIKE = 3, 1.2
BEFORE, NOW, CHECK = "home page, 45 COUNTs by the ORM", "home page", f"favourites check of {CHECKED}"


def measure(
    ground: Ground, *, users: int, likes: tuple[int, int], rounds: int, seconds: float
) -> tuple[dict[str, Any], list[report.Target]]:
    """`likes`: few in the table, and many."""
    few, many = likes
    of_whom = f"{OWNERS} people with {POSTS_EACH} posts each, Zipf"
    report.section(f"Home pages, warm: one worker, {THREADS} threads, {CONNECTIONS} connections, {of_whom}")
    writings.clear(ground)
    _seed(ground, users)
    with Worlds(ground, few) as worlds:
        for count in likes:
            worlds.show(count)
            _like(ground, users, count)
        results = compare(ground, variants(worlds, likes), rounds=rounds, seconds=seconds)
    writings.clear(ground)
    return summaries(results), _targets(results, few, many)


class Worlds:
    """Two tables of likes, their counters and the Redis beside them; one of the two is in place."""

    APART = ("posts_like", "counters_counter")

    def __init__(self, ground: Ground, first: int) -> None:
        self._ground, self._first, self._shown = ground, first, first

    def __enter__(self) -> "Worlds":
        for table in self.APART:
            self._ground.sql(f"CREATE TABLE other_{table} LIKE {table}")
            self._ground.sql(f"INSERT INTO other_{table} SELECT * FROM {table}")
        return self

    def __exit__(self, *exc: object) -> None:
        self.show(self._first)
        for table in self.APART:
            self._ground.sql(f"DROP TABLE other_{table}")

    def show(self, likes: int) -> None:
        """The world with so many likes."""
        if likes != self._shown:
            for table in self.APART:
                self._ground.sql(f"RENAME TABLE {table} TO spare, other_{table} TO {table}, spare TO other_{table}")
            self._ground.redis.swapdb(0, 1)
            self._shown = likes


def variants(worlds: Worlds, likes: tuple[int, int]) -> list[Variant]:
    """So few paths that the warm-up asks for each twice, as in loadtest/counts.py."""
    owners = Zipf(range(1, OWNERS + 1), seed=6).draw(WARM_UP // 2)
    newest = [",".join(str(POSTS - skipped - number) for number in range(CHECKED)) for skipped in range(WARM_UP // 2)]
    addresses = {
        BEFORE: [f"/baseline/users/{owner}/posts" for owner in owners],
        NOW: [f"/api/v1/users/{owner}/posts" for owner in owners],
        CHECK: [f"/api/v1/favorites/check?ids={ids}" for ids in newest],
    }
    return [
        Variant(_name(what, count), paths, arrange=partial(worlds.show, count))
        for what, paths in addresses.items()
        for count in likes
    ]


def _name(what: str, likes: int) -> str:
    return f"{what}, {likes:,} likes"


def _seed(ground: Ground, users: int) -> None:
    """Everything but likes: people write in turn, and others repost what they wrote."""
    writings.insert_posts(ground, 1, POSTS, author=f"1 + seq MOD {OWNERS}")
    stranger = f"{OWNERS + 1} + seq * 7919 MOD {users - OWNERS}"
    reposts = POSTS * REPOSTS_EACH
    writings.insert_posts(ground, POSTS + 1, POSTS + reposts, author=stranger, repost_of=f"1 + seq MOD {POSTS}")
    writings.insert_spread(ground, "posts_favorite", POSTS * FAVORITES_EACH, posts=POSTS, users=users)
    writings.insert_comments(ground, POSTS * COMMENTS_EACH, posts=POSTS, author=stranger)
    for name, table, column in (
        ("favorites", "posts_favorite", "post_id"),
        ("comments", "posts_comment", "post_id"),
        ("reposts", "posts_post", "repost_of_id"),
    ):
        writings.count(ground, name, table, column)


def _like(ground: Ground, users: int, likes: int) -> None:
    writings.insert_spread(ground, "posts_like", likes, posts=POSTS, users=users)
    ground.sql("ANALYZE TABLE posts_post, posts_like, posts_comment, posts_favorite")
    writings.count(ground, "likes", "posts_like", "post_id")
    ground.manage("reconcile_counters", "--check", f"--target=post:{POSTS}")


def _targets(results: dict[str, Result], few: int, many: int) -> list[report.Target]:
    home, with_few = results[_name(NOW, many)], results[_name(NOW, few)]
    check = results[_name(CHECK, many)]
    cpu = [ours / theirs for ours, theirs in zip(home.cpu_us, with_few.cpu_us, strict=True)]
    p50 = [
        ours.percentile_ms(50) / theirs.percentile_ms(50)
        for ours, theirs in zip(home.rounds, with_few.rounds, strict=True)
    ]
    return [
        report.exactly("warm home page, SQL", home.per_request("questions"), 0),
        report.at_most("warm home page, Redis round trips", home.per_request("round_trips"), MOST_ROUND_TRIPS),
        report.exactly(f"{CHECK}, SQL", check.per_request("questions"), 0),
        report.exactly(f"{CHECK}, Redis round trips", check.per_request("round_trips"), 1),
        report.median_at_most(f"home page with {many:,} likes / with {few:,}, CPU", cpu, ALIKE),
        report.median_at_most(f"home page with {many:,} likes / with {few:,}, p50", p50, ALIKE),
    ]

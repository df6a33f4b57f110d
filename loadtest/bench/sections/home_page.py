"""Section `home-page`: pages of 15 posts and checks of 50 favourites, with few and with many likes in the table.

They are answered on the hot lane. The same page by the ORM, with 45 COUNTs, is the baseline.
"""

from functools import partial
from typing import NamedTuple

from loadtest.bench import report, seed_posts
from loadtest.bench.compare import CONNECTIONS, THREADS, WARM_UP_REQUESTS, Result, Variant, compare, summaries
from loadtest.bench.environment import Environment
from loadtest.load.zipf import Zipf

OWNERS, POSTS_EACH = 100, 20
POSTS = OWNERS * POSTS_EACH
COMMENTS_EACH, FAVORITES_EACH, REPOSTS_EACH = 20, 20, 3
CHECKED = 50
MAX_ROUND_TRIPS, MAX_RATIO = 2, 1.2
MAX_US, MAX_OF_BASELINE = 300, 0.02
BASELINE, CACHED, CHECK = "home page, 45 COUNTs by the ORM", "home page", f"favourites check of {CHECKED}"
OTHERS = {"15 posts": "posts?ids={ids}", "comments": "posts/{id}/comments", "likers": "posts/{id}/likers"}


class Scale(NamedTuple):
    """`few_likes` and `many_likes`: rows in the table of likes."""

    few_likes: int = 1_000
    many_likes: int = 10_000_000
    rounds: int = 7
    seconds: float = 1.5


FULL, QUICK = Scale(), Scale(many_likes=100_000, rounds=1, seconds=0.5)


def measure(env: Environment, scale: Scale) -> report.SectionResult:
    """Measure home pages and checks of favourites, warm, with few and with many rows in the table of likes."""
    likes = few, many = scale.few_likes, scale.many_likes
    owners = f"{OWNERS} people with {POSTS_EACH} posts each, Zipf"
    report.print_heading(f"Home pages, warm: one worker, {THREADS} threads, {CONNECTIONS} connections, {owners}")
    seed(env)
    with LikeTables(env, few) as tables:
        for count in likes:
            tables.use(count)
            _seed_likes(env, count)
        results = compare(env, variants(tables, likes), rounds=scale.rounds, seconds=scale.seconds, LANE="on")
    seed_posts.delete_all(env)
    return summaries(results), _targets(results, few, many)


class LikeTables:
    """Two sets of likes, each with counters and a Redis database; one of the two is in use."""

    TABLES = ("posts_like", "counters_counter")

    def __init__(self, env: Environment, first: int) -> None:
        self._env, self._first, self._used = env, first, first

    def __enter__(self) -> "LikeTables":
        for table in self.TABLES:
            self._env.sql(f"CREATE TABLE other_{table} LIKE {table}")
            self._env.sql(f"INSERT INTO other_{table} SELECT * FROM {table}")
        return self

    def __exit__(self, *exc: object) -> None:
        self.use(self._first)
        for table in self.TABLES:
            self._env.sql(f"DROP TABLE other_{table}")

    def use(self, likes: int) -> None:
        """Swap the tables and the Redis databases, unless the set with that many likes is in use."""
        if likes != self._used:
            for table in self.TABLES:
                self._env.sql(f"RENAME TABLE {table} TO spare, other_{table} TO {table}, spare TO other_{table}")
            self._env.redis.swapdb(0, 1)
            self._used = likes


def variants(tables: LikeTables, likes: tuple[int, int]) -> list[Variant]:
    """Return the variants, with so few paths that the warm-up requests each twice (see counts.py)."""
    owners = Zipf(range(1, OWNERS + 1), seed=6).draw(WARM_UP_REQUESTS // 2)
    newest = [
        ",".join(str(POSTS - skipped - number) for number in range(CHECKED)) for skipped in range(WARM_UP_REQUESTS // 2)
    ]
    addresses = {
        BASELINE: [f"/baseline/users/{owner}/posts" for owner in owners],
        CACHED: [f"/api/v1/users/{owner}/posts" for owner in owners],
        CHECK: [f"/api/v1/favorites/check?ids={ids}" for ids in newest],
    }
    ids = [[POSTS - skipped - number for number in range(15)] for skipped in range(WARM_UP_REQUESTS // 2)]
    others = {
        name: [f"/api/v1/{path.format(id=some[0], ids=','.join(map(str, some)))}" for some in ids]
        for name, path in OTHERS.items()
    }
    return [
        Variant(_name(request, count), paths, prepare=partial(tables.use, count))
        for request, paths in {**addresses, **others, "favourites": ["/api/v1/favorites"]}.items()
        for count in (likes if request in addresses else likes[-1:])
    ]


def _name(request: str, likes: int) -> str:
    return f"{request}, {likes:,} likes"


def seed(env: Environment) -> None:
    """Seed everything but likes, in place of what is there.

    The owners of the home pages write in turn, and other users repost their posts.
    """
    seed_posts.delete_all(env)
    seed_posts.insert_posts(env, 1, POSTS, author=f"1 + seq MOD {OWNERS}")
    other_user = f"{OWNERS + 1} + seq * 7919 MOD {env.users - OWNERS}"
    reposts = POSTS * REPOSTS_EACH
    seed_posts.insert_posts(env, POSTS + 1, POSTS + reposts, author=other_user, repost_of=f"1 + seq MOD {POSTS}")
    seed_posts.insert_marks(env, "posts_favorite", POSTS * FAVORITES_EACH, posts=POSTS, users=env.users)
    seed_posts.insert_comments(env, POSTS * COMMENTS_EACH, posts=POSTS, author=other_user)
    for name, table, column in (
        ("favorites", "posts_favorite", "post_id"),
        ("comments", "posts_comment", "post_id"),
        ("reposts", "posts_post", "repost_of_id"),
    ):
        seed_posts.insert_counters(env, name, table, column)


def _seed_likes(env: Environment, likes: int) -> None:
    seed_posts.insert_marks(env, "posts_like", likes, posts=POSTS, users=env.users)
    env.sql("ANALYZE TABLE posts_post, posts_like, posts_comment, posts_favorite")
    seed_posts.insert_counters(env, "likes", "posts_like", "post_id")
    env.run_command("reconcile_counters", "--check", f"--target=post:{POSTS}")


def _targets(results: dict[str, Result], few: int, many: int) -> list[report.Target]:
    home, with_few, by_orm = (results[_name(*each)] for each in ((CACHED, many), (CACHED, few), (BASELINE, many)))
    check = results[_name(CHECK, many)]
    cpu = [ours / theirs for ours, theirs in zip(home.cpu_us, with_few.cpu_us, strict=True)]
    of_baseline = [ours / theirs for ours, theirs in zip(home.cpu_us, by_orm.cpu_us, strict=True)]
    p50 = [
        ours.percentile_ms(50) / theirs.percentile_ms(50)
        for ours, theirs in zip(home.rounds, with_few.rounds, strict=True)
    ]
    return [
        report.exactly("warm home page, SQL", home.per_request("questions"), 0),
        report.at_most("warm home page, Redis round trips", home.per_request("round_trips"), MAX_ROUND_TRIPS),
        report.median_at_most("warm home page, CPU µs", home.cpu_us, MAX_US),
        report.median_at_most(f"home page / {BASELINE}, CPU", of_baseline, MAX_OF_BASELINE),
        report.exactly(f"{CHECK}, SQL", check.per_request("questions"), 0),
        report.at_most(f"{CHECK}, Redis round trips", check.per_request("round_trips"), 1),
        report.median_at_most(f"home page with {many:,} likes / with {few:,}, CPU", cpu, MAX_RATIO),
        report.median_at_most(f"home page with {many:,} likes / with {few:,}, p50", p50, MAX_RATIO),
    ]

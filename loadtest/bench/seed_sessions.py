"""Databases of their own for sessions: the same people, whose tables of posts, likes and follows have few or many rows.

What a session asks for is the same in all of them. Many rows add older posts, likes of these, and follows, whose users
do not exist: that a page shows more is not what tables of different sizes are compared for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import floor
from typing import NamedTuple

from loadtest.bench import seed_follows
from loadtest.bench.environment import DATABASE, PASSWORD, WEB_USER, Environment
from loadtest.bench.seed_posts import FIRST_AT, GOLDEN_RATIO, TEXT, scattering_step

POSTS, COMMENTS_EACH, FAVORITES_EACH, ITEMS = 10_000, 10, 10, 200
AUTHORS, BUSY_AUTHORS = 2_500, 500  # the most popular users wrote the posts, these most of them
FEW_CALLERS, FOLLOWS, MOST_FOLLOWS = 50, 200, 5_000
BUFFER_POOL = 2 << 30  # bytes: building indexes of ten million rows in the default of 128 MB takes many times as long
SHAPE = 1.5  # of the Pareto distribution of how many others a user follows


class SessionTables(NamedTuple):
    """A seeded database, by its name. `rows`: of posts, likes and follows each."""

    name: str
    users: int
    rows: int

    @property
    def owners(self) -> list[int]:
        """The users who wrote the newest POSTS, the most popular first."""
        step = scattering_step(self.users)
        return [1 + rank * step % self.users for rank in range(AUTHORS)]

    def variables(self, env: Environment, redis_database: int) -> dict[str, str]:
        """Return the environment variables of a process that uses this database and a Redis database of its own."""
        return {
            "DATABASE_URL": f"mysql://{WEB_USER}@127.0.0.1:{env.sql_port}/{self.name}",
            "REDIS_URL": f"{env.variables['REDIS_URL'].rpartition('/')[0]}/{redis_database}",
        }


def seed(env: Environment, tables: SessionTables, *, everybody: bool) -> None:
    """Create a database and its rows. With `everybody` all users follow others, else only the FEW_CALLERS."""
    env.sql(f"SET GLOBAL innodb_buffer_pool_size = {BUFFER_POOL}")
    env.sql(f"CREATE DATABASE {tables.name}")
    env.sql(f"GRANT ALL ON {tables.name}.* TO {WEB_USER}@127.0.0.1")
    variables = tables.variables(env, 0)
    env.run_command("migrate", "--run-syncdb", "--verbosity=0", **variables)
    env.redis.flushall()  # a Redis serves one database: no process starts on that of another
    env.run_command("seed_benchmark", f"--users={tables.users}", f"--password={PASSWORD}", **variables)
    with using(env, tables.name):
        env.sql("SET unique_checks = OFF")
        _insert_posts(env, tables)
        _insert_follows(env, tables, tables.users if everybody else FEW_CALLERS)
        _insert_counters(env, tables)
        env.sql("SET unique_checks = ON")
        env.sql("ANALYZE TABLE posts_post, posts_like, posts_comment, posts_favorite, social_follow, counters_counter")


def drop(env: Environment, tables: SessionTables) -> None:
    """Delete a database, and all that Redis has."""
    env.sql(f"DROP DATABASE {tables.name}")
    env.redis.flushall()


@contextmanager
def using(env: Environment, name: str) -> Iterator[None]:
    """Send the statements of the block to another database."""
    env.sql(f"USE {name}")
    try:
        yield
    finally:
        env.sql(f"USE {DATABASE}")


def follows_of(user: int, users: int) -> int:
    """Return how many others a user follows: FOLLOWS on average, with a long tail; the FEW_CALLERS just as many."""
    if user <= FEW_CALLERS:
        return min(FOLLOWS, users // 2)
    share = (user * GOLDEN_RATIO) % 1 or 1.0
    least = FOLLOWS * (SHAPE - 1) / SHAPE * 1.09  # as the most are cut off
    return min(floor(least * share ** (-1 / SHAPE)), MOST_FOLLOWS, users // 2)


def _insert_posts(env: Environment, tables: SessionTables) -> None:
    """Insert posts, each with one like; the newest also with comments and favourites. The others are of no user."""
    rows, users, first = tables.rows, tables.users, tables.rows - POSTS + 1
    rank = f"IF(seq MOD 5, seq MOD {BUSY_AUTHORS}, {BUSY_AUTHORS} + seq DIV 5 MOD {AUTHORS - BUSY_AUTHORS})"
    nobody, anybody = f"{seed_follows.FIRST_UNUSED_ID} + seq MOD {users}", f"1 + seq * 7919 MOD {users}"
    author = f"IF(seq < {first}, {nobody}, 1 + {rank} * {scattering_step(users)} MOD {users})"
    text, liker = f"IF(seq < {first}, 'An older post', {TEXT})", f"IF(seq < {first}, {nobody}, {anybody})"
    newest = f"{rows} - seq MOD {POSTS}"
    favorite = f"1 + seq DIV {FAVORITES_EACH}, {rows} - seq * 997 MOD {POSTS}"
    for select, into in (
        (
            f"SELECT seq, {author}, {text}, NULL, '{FIRST_AT}' + INTERVAL seq SECOND, 0 FROM seq_1_to_{rows}",
            "posts_post (id, author_id, text, repost_of_id, created_at, state)",
        ),
        (f"SELECT {liker}, seq, NOW(6) FROM seq_1_to_{rows}", "posts_like (user_id, post_id, created_at)"),
        (
            f"SELECT {newest}, {anybody}, {TEXT}, NOW(6) FROM seq_1_to_{POSTS * COMMENTS_EACH}",
            "posts_comment (post_id, author_id, text, created_at)",
        ),
        (
            f"SELECT {favorite}, NOW(6) FROM seq_0_to_{users * FAVORITES_EACH - 1}",
            "posts_favorite (user_id, post_id, created_at)",
        ),
        (
            f"SELECT seq, 'Tea house', '', NOW(6) FROM seq_1_to_{ITEMS}",
            "ratings_item (id, title, description, created_at)",
        ),
    ):
        seed_follows.insert_rows(env, select, into=into)
    popups = ", ".join(
        f"('Hello', 'A popup', '{placement}', {hours})" for placement, hours in (("home", 24), ("offer", 0))
    )
    env.sql(f"INSERT INTO popups_popup (title, body, placement, reshow_hours) VALUES {popups}")


def _insert_follows(env: Environment, tables: SessionTables, followers: int) -> None:
    """Insert what the first users follow, and follows between ids without users, up to the rows of the table.

    The n-th of the c whom a user follows has the popularity rank n + (users - c) * (n / c)²: never the same twice, and
    by far the most often the popular ones.
    """
    env.sql("CREATE TEMPORARY TABLE degrees (user_id BIGINT PRIMARY KEY, follows INT, share DOUBLE)")
    degrees = [(user, follows_of(user, tables.users), user * GOLDEN_RATIO % 1) for user in range(1, followers + 1)]
    env.sql(f"INSERT INTO degrees VALUES {', '.join(map(str, degrees))}")
    rank = f"(seq + FLOOR(({tables.users} - follows) * POW((seq + share) / follows, 2)))"
    followee = f"1 + {rank} * {scattering_step(tables.users)} MOD {tables.users}"
    unused = seed_follows.FIRST_UNUSED_ID
    others = max(1, tables.rows - sum(follows for _, follows, _ in degrees))
    seed_follows.insert_rows(
        env,
        f"SELECT user_id, {followee}, NOW(6) FROM degrees JOIN seq_0_to_{MOST_FOLLOWS - 1} ON seq < follows "
        f"WHERE user_id <> {followee} "
        f"UNION ALL SELECT {unused} + seq DIV {FOLLOWS}, {unused} + seq * 7919 MOD 1000003, NOW(6) "
        f"FROM seq_1_to_{others}",
    )
    env.sql("DROP TEMPORARY TABLE degrees")


def _insert_counters(env: Environment, tables: SessionTables) -> None:
    """Insert the counters of what sessions ask for, as a reconciliation would leave them."""
    people, newest = f"<= {tables.users}", f"> {tables.rows - POSTS}"
    for kind, name, table, column, which in (
        ("post", "likes", "posts_like", "post_id", newest),
        ("post", "comments", "posts_comment", "post_id", newest),
        ("post", "favorites", "posts_favorite", "post_id", newest),
        ("user", "posts", "posts_post", "author_id", people),
        ("user", "followers", "social_follow", "followee_id", people),
        ("user", "following", "social_follow", "follower_id", people),
    ):
        seed_follows.insert_rows(
            env,
            f"SELECT '{kind}', {column}, '{name}', COUNT(*), 0 FROM {table} WHERE {column} {which} GROUP BY {column}",
            into="counters_counter (kind, target_id, name, value, last_delta_id)",
        )

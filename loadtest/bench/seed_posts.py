"""Seed millions of posts, likes, favourites and comments by SQL, without updating counters or the cache."""

from math import gcd

from loadtest.bench import seed_follows
from loadtest.bench.environment import Environment

TABLES = ("posts_favorite", "posts_like", "posts_comment", "posts_removal", "posts_post")
TEXT = (
    "CONCAT(ELT(1 + seq MOD 4, '周末去爬山，有人一起吗？', 'Coffee first, then code.', 'Sunset over the harbour 🌅', "
    "'Does anybody know a good book? I finished mine on the train, and it is a long way home.'), ' #', seq)"
)
FIRST_AT = "2026-01-01 00:00:00.123456"  # whole seconds would be rare, and cost more in JSON
# Multiples of either modulo 1 spread evenly; the golden ratio and the plastic number (Roberts' R2 sequence).
GOLDEN_RATIO, PLASTIC_RATIO = 0.6180339887, 0.7548776662


def delete_all(env: Environment) -> None:
    """Delete all posts with their likes, favourites and comments, follows, blocks and counters, and empty Redis."""
    env.sql("SET foreign_key_checks = OFF")
    for table in TABLES:
        env.sql(f"TRUNCATE {table}")
    env.sql("SET foreign_key_checks = ON")
    seed_follows.delete_all(env)


def insert_posts(env: Environment, first: int, last: int, *, author: str, repost_of: str = "NULL") -> None:
    """Insert the posts `first` to `last`, a second apart; `author` and `repost_of` are SQL of `seq`, the post's id."""
    seed_follows.insert_rows(
        env,
        f"SELECT seq, {author}, {TEXT}, {repost_of}, '{FIRST_AT}' + INTERVAL seq SECOND, 0 FROM seq_{first}_to_{last}",
        into="posts_post (id, author_id, text, repost_of_id, created_at, state)",
    )


def insert_marks(env: Environment, table: str, rows: int, *, posts: int, users: int) -> None:
    """Insert likes or favourites, each pair once, the same number for each of the posts 1 to `posts`.

    The table must be empty: MariaDB then sorts the rows and builds the indexes at once.
    """
    per_post = max(1, -(-rows // posts))
    env.sql("SET unique_checks = OFF")
    seed_follows.insert_rows(
        env,
        f"SELECT 1 + (seq MOD {posts} * 7 + seq DIV {posts} * {max(1, users // per_post)}) MOD {users}, "
        f"1 + seq MOD {posts}, NOW(6) FROM seq_0_to_{rows - 1}",
        into=f"{table} (user_id, post_id, created_at)",
    )
    env.sql("SET unique_checks = ON")


def insert_favorites(env: Environment, first: int, last: int, *, per_user: int, posts: int) -> None:
    """Insert up to `per_user` favourites of each of the users `first` to `last`, drawn from the posts 1 to `posts`.

    A post of popularity rank r is drawn in proportion to 1/√r. A pair that is drawn twice is inserted once.
    """
    rank = f"FLOOR({posts} * POW(MOD(person.seq * {PLASTIC_RATIO} + nth.seq * {GOLDEN_RATIO}, 1), 2))"
    env.sql(
        "INSERT IGNORE INTO posts_favorite (user_id, post_id, created_at) "
        f"SELECT STRAIGHT_JOIN person.seq, 1 + ({rank} * {scattering_step(posts)}) MOD {posts}, NOW(6) "
        f"FROM seq_{first}_to_{last} person, seq_1_to_{per_user} nth"
    )


def insert_comments(env: Environment, rows: int, *, posts: int, author: str) -> None:
    """Insert comments, the same number for each of the posts 1 to `posts`; `author` is SQL of `seq`."""
    seed_follows.insert_rows(
        env,
        f"SELECT 1 + seq MOD {posts}, {author}, {TEXT}, NOW(6) FROM seq_1_to_{rows}",
        into="posts_comment (post_id, author_id, text, created_at)",
    )


def insert_counters(env: Environment, name: str, table: str, column: str) -> None:
    """Insert the counters of all posts that `column` of `table` refers to, as a reconciliation would leave them."""
    seed_follows.insert_rows(
        env,
        f"SELECT 'post', {column}, '{name}', COUNT(*), 0 FROM {table} WHERE {column} IS NOT NULL GROUP BY {column}",
        into="counters_counter (kind, target_id, name, value, last_delta_id)",
    )


def scattering_step(count: int) -> int:
    """Return a step that puts neighbouring ranks far apart: about the golden section, and every id is reached."""
    step = max(1, round(count * GOLDEN_RATIO))
    while gcd(step, count) != 1:
        step += 1
    return step

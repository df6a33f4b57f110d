"""Posts and what was made of them, by the million: seeded by SQL, past everything that would count or cache them."""

from math import gcd

from loadtest.bench import seed_follows as graph
from loadtest.bench.environment import Ground

TABLES = ("posts_favorite", "posts_like", "posts_comment", "posts_removal", "posts_post")
TEXT = (
    "CONCAT(ELT(1 + seq MOD 4, '周末去爬山，有人一起吗？', 'Coffee first, then code.', 'Sunset over the harbour 🌅', "
    "'Does anybody know a good book? I finished mine on the train, and it is a long way home.'), ' #', seq)"
)
GOLDEN, PLASTIC = 0.6180339887, 0.7548776662


def clear(ground: Ground) -> None:
    """No posts, no edges, no counters, an empty Redis; the users stay."""
    ground.sql("SET foreign_key_checks = OFF")
    for table in TABLES:
        ground.sql(f"TRUNCATE {table}")
    ground.sql("SET foreign_key_checks = ON")
    graph.clear(ground)


def insert_posts(ground: Ground, first: int, last: int, *, author: str, repost_of: str = "NULL") -> None:
    """Posts with these ids, a second apart; `author` and `repost_of` are SQL of `seq`, the id."""
    graph.insert(
        ground,
        f"SELECT seq, {author}, {TEXT}, {repost_of}, '2026-01-01' + INTERVAL seq SECOND, 0 FROM seq_{first}_to_{last}",
        into="posts_post (id, author_id, text, repost_of_id, created_at, state)",
    )


def insert_spread(ground: Ground, into: str, rows: int, *, posts: int, users: int) -> None:
    """So many likes or favourites, each pair once, the same number for each of the posts 1 to `posts`.

    Into an empty table: MariaDB then sorts the rows and builds the indexes at once.
    """
    of_each = max(1, -(-rows // posts))
    ground.sql("SET unique_checks = OFF")
    graph.insert(
        ground,
        f"SELECT 1 + (seq MOD {posts} * 7 + seq DIV {posts} * {max(1, users // of_each)}) MOD {users}, "
        f"1 + seq MOD {posts}, NOW(6) FROM seq_0_to_{rows - 1}",
        into=f"{into} (user_id, post_id, created_at)",
    )
    ground.sql("SET unique_checks = ON")


def insert_favorites(ground: Ground, first: int, last: int, *, of_each: int, posts: int) -> None:
    """Of the users `first` to `last`, drawn from the posts 1 to `posts`: some of these are kept by many, most by few.

    A post of popularity rank r is kept in proportion to 1/√r. Draws that meet count once.
    """
    rank = f"FLOOR({posts} * POW(MOD(person.seq * {PLASTIC} + nth.seq * {GOLDEN}, 1), 2))"
    ground.sql(
        "INSERT IGNORE INTO posts_favorite (user_id, post_id, created_at) "
        f"SELECT STRAIGHT_JOIN person.seq, 1 + ({rank} * {_step(posts)}) MOD {posts}, NOW(6) "
        f"FROM seq_{first}_to_{last} person, seq_1_to_{of_each} nth"
    )


def insert_comments(ground: Ground, rows: int, *, posts: int, author: str) -> None:
    """So many, the same number for each of the posts 1 to `posts`; `author` is SQL of `seq`."""
    graph.insert(
        ground,
        f"SELECT 1 + seq MOD {posts}, {author}, {TEXT}, NOW(6) FROM seq_1_to_{rows}",
        into="posts_comment (post_id, author_id, text, created_at)",
    )


def count(ground: Ground, name: str, table: str, column: str) -> None:
    """The counters of posts that rows of `table` point at by `column`, as a reconciliation would leave them."""
    graph.insert(
        ground,
        f"SELECT 'post', {column}, '{name}', COUNT(*), 0 FROM {table} WHERE {column} IS NOT NULL GROUP BY {column}",
        into="counters_counter (kind, target_id, name, value, last_delta_id)",
    )


def _step(count: int) -> int:
    """Neighbouring ranks are no neighbours among the ids: about the golden section, and every id is met."""
    step = max(1, round(count * GOLDEN))
    while gcd(step, count) != 1:
        step += 1
    return step

"""Part of section `feed`: posts by a user with many followers, and by one with three."""

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import product
from statistics import median
from typing import Any

from loadtest.bench import report, seed_follows
from loadtest.bench.environment import PASSWORD, Environment
from loadtest.bench.meters import TICKS_PER_S, cpu_meter, database_meter, redis_meter
from loadtest.load.accounts import BEHIND_TLS, log_in

API = "/api/v1"
CHECKED = 5  # posts of each round that are looked for in the feed of a follower
MAX_RATIO = 1.1
HEADER = ("a post by a user with", "CPU µs", "SQL", "Redis commands", "ms", "seen after ms")
LEGEND = """\
CPU: of the web server's worker, MariaDB and Redis together. Seen after: from the request of the post to the answer to a
follower's feed that has it, the first that was asked for."""


@dataclass
class Author:
    """Someone who posts, and what a post costs in each round."""

    token: str
    cpu_us: list[float] = field(default_factory=list)
    sql: list[float] = field(default_factory=list)
    commands: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)
    seen_ms: list[float] = field(default_factory=list)
    unseen: int = 0


def measure(
    env: Environment, size: seed_follows.CelebritySize, rounds: int, posts: int
) -> tuple[dict[str, Any], list[report.Target]]:
    """Measure `posts` posts in each round by each of the two; look for further ones in the feed of a follower."""
    report.print_heading("A post by a user with many followers, and by one with three")
    celebrity = seed_follows.ensure_celebrity(env, size)
    with env.web_server(workers=1, threads=1, LANE="on") as web:
        web.pin_workers_to_cores()
        site = f"http://127.0.0.1:{web.port}"
        ids = {celebrity.followers: celebrity.id, seed_follows.FEW_FOLLOWERS: celebrity.ordinary_id}
        authors = {followers: Author(log_in(site, f"user{pk}", PASSWORD)) for followers, pk in ids.items()}
        cpu = [*web.worker_pids, env.redis_pid, env.mariadb_pid]
        for author in authors.values():
            _see(web.port, env.tokens[0], author)
        for _, author in product(range(rounds), authors.values()):
            _write(env, web.port, cpu, author, posts)
            for _ in range(CHECKED):
                _see(web.port, env.tokens[0], author)
    lines = [[f"{followers:,} followers", *_cells(author)] for followers, author in authors.items()]
    print(report.table(HEADER, lines), LEGEND, sep="\n\n")
    return {f"{followers} followers": vars(author) for followers, author in authors.items()}, _targets(
        *authors.values()
    )


def _write(env: Environment, port: int, pids: list[int], author: Author, posts: int) -> None:
    meters = cpu_meter(pids), database_meter(env.sql), redis_meter(env.redis)
    began = time.perf_counter()
    with ExitStack() as stack:
        cpu, sql, redis = (stack.enter_context(meter.counted()) for meter in meters)
        for _ in range(posts):
            request(port, "POST", f"{API}/posts", author.token, {"text": "Hello"})
    author.ms.append((time.perf_counter() - began) * 1000 / posts)
    author.cpu_us.append(cpu["ticks"] / TICKS_PER_S / posts * 1e6)
    author.sql.append(sql["questions"] / posts)
    author.commands.append(redis["commands"] / posts)


def _see(port: int, follower: str, author: Author) -> None:
    began = time.perf_counter()
    written = request(port, "POST", f"{API}/posts", author.token, {"text": "Hello"})
    shown = request(port, "GET", f"{API}/feed", follower)["results"]
    author.seen_ms.append((time.perf_counter() - began) * 1000)
    author.unseen += written["id"] not in [post["id"] for post in shown]


def request(port: int, method: str, path: str, token: str, body: Any = None) -> Any:
    """Return the JSON of the answer to a request; raise SystemExit for an error."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **BEHIND_TLS}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{method} {path} was answered by {answer.status}: {text[:500]!r}")
        return json.loads(text)
    finally:
        connection.close()


def _cells(author: Author) -> list[str]:
    counts = [f"{median(each):.2f}" for each in (author.sql, author.commands, author.ms, author.seen_ms)]
    return [f"{median(author.cpu_us):,.0f}", *counts]


def _targets(many: Author, few: Author) -> list[report.Target]:
    ratios = [one / other for one, other in zip(many.cpu_us, few.cpu_us, strict=True)]
    return [
        report.median_at_most("a post by a celebrity / by another user, CPU", ratios, MAX_RATIO),
        report.exactly("a post by a celebrity − by another user, SQL", round(median(many.sql) - median(few.sql), 1), 0),
        report.exactly("posts that the next feed of a follower lacked", many.unseen + few.unseen, 0),
        report.at_most("seen in a follower's feed, ms after the request of the post", max(many.seen_ms), 1_000),
    ]

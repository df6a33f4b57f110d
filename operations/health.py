"""How the servers and the jobs are, as rows with a verdict each."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from django.db import connection, connections

from binlog import api as binlog
from caching.operate import OFF, breaker, conf, each_server
from jobs.api import JobState, job_states
from operations.sources import Answer, Call
from operations.text import duration, said, size

Verdict = Literal["good", "warning", "bad"]
FULL = 0.9  # the share of Redis' memory from which on that is a warning
SEEN_WITHIN_S = 1.0  # edits past the application, while the binary log is followed


class Row(NamedTuple):
    """One line of a table: what it is about, its verdict, what is to be said, and further cells."""

    name: str
    verdict: Verdict
    text: str
    cells: tuple[str, ...] = ()

    @property
    def is_bad(self) -> bool:
        return self.verdict == "bad"


CALLS: Mapping[str, Call] = {
    "database": Call("database", lambda: _database()),
    "redis": Call("redis", lambda: _redis()),
    "binlog": Call("database", binlog.status),
    "jobs": Call("both", job_states, limit_s=2.5),
}
"""What the page asks; `rows` makes the tables of the answers."""


def rows(answers: Mapping[str, Answer]) -> dict[str, list[Row]]:
    """Return the tables by name: `servers` (of the database, and each of Redis), and `jobs`."""
    database, redis, jobs = (answers[name] for name in ("database", "redis", "jobs"))
    return {
        "servers": [_server(database, "Database"), *_redis_rows(redis), _cache(), _binlog(answers["binlog"])],
        "jobs": [Row("Jobs", "bad", jobs.error)] if jobs.error else _jobs(jobs),
    }


def troubles(answers: Mapping[str, Answer]) -> dict[str, str]:
    """Return what is not well of the jobs and of Redis' memory, by name."""
    jobs = {f"job {row.name}": _state_and_queue(row) for row in _jobs(answers["jobs"]) if row.is_bad}
    memory = (_memory(f"Redis {name}", info, answers["redis"]) for name, info in _infos(answers["redis"]))
    return jobs | {row.name: row.text for row in memory if row.is_bad}


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    version = ".".join(map(str, connections["default"].get_database_version()))
    return f"{connection.display_name} {version}"


def _redis() -> list[tuple[str, dict[str, Any] | str]]:
    """Return what each server tells of itself by INFO, or its error as a text. The breaker has its chance to close."""
    breaker.may_read()
    return [(name, _info(send)) for name, send in each_server().items()]


def _info(send: Callable[[Any], Any]) -> dict[str, Any] | str:
    try:
        (reply,) = send([("INFO",)])
    except Exception as error:
        return said(error)
    lines = (line.partition(":") for line in reply.decode().splitlines() if ":" in line)
    return {name: value for name, _, value in lines}


def _server(answer: Answer, name: str) -> Row:
    if answer.error:
        return Row(name, "bad", answer.error)
    return Row(name, "good", f"{answer.value} answers", (f"{answer.took_ms:.1f} ms",))


def _redis_rows(answer: Answer) -> Iterator[Row]:
    if answer.error:
        yield Row("Redis", "bad", answer.error)
    for name, info in answer.value or ():
        yield Row(f"Redis {name}", "bad", info) if isinstance(info, str) else _memory(f"Redis {name}", info, answer)


def _infos(answer: Answer) -> list[tuple[str, dict[str, str]]]:
    return [(name, info) for name, info in answer.value or () if not isinstance(info, str)]


def _memory(name: str, info: Mapping[str, str], answer: Answer) -> Row:
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    evicted, refused = int(info.get("evicted_keys", 0)), int(info.get("rejected_connections", 0))
    policy = info.get("maxmemory_policy", "")
    share = f"{used / most:.0%} of {size(most)}" if most else f"{size(used)}, without a limit"
    text = f"{info.get('role', '')}, memory {share} ({policy}), {evicted:,} evicted"
    is_full = most and used > FULL * most
    verdict: Verdict = "bad" if is_full and policy == "noeviction" else "warning" if is_full or refused else "good"
    more = (f"up {duration(float(info.get('uptime_in_seconds', 0)))}", f"{info.get('connected_clients')} clients")
    return Row(name, verdict, text, (f"{answer.took_ms:.1f} ms", *more))


def _cache() -> Row:
    """Return whether this process reads the cache; a web process that does not answers from the database alone."""
    if not conf().enabled:
        return Row("Cache", "warning", OFF)
    if breaker.is_closed:
        return Row("Cache", "good", "This process reads and fills entries.")
    return Row("Cache", "bad", "This process reads the database alone, until it may believe Redis: breaker open.")


def _state_and_queue(job: Row) -> str:
    waiting = job.cells[0]
    return job.text if waiting in ("0", "–") else f"{job.text}, waiting: {waiting}"


def _binlog(answer: Answer) -> Row:
    """Return how soon edits past the application are seen."""
    if answer.error:
        return Row("Direct edits", "bad", answer.error)
    now: binlog.Status = answer.value
    followed = (f"followed up to {now.gtids}", f"by {now.leader}") if now.is_following else ()
    is_as_good_as_can_be = (now.is_following and now.lag_s < SEEN_WITHIN_S) or not now.has_log
    return Row("Direct edits", "good" if is_as_good_as_can_be else "warning", now.bound, followed)


def _jobs(answer: Answer) -> list[Row]:
    return [*map(_job, answer.value or ())]


def _job(job: JobState) -> Row:
    is_late = job.state == "ok" and job.is_late
    pending = "–" if job.pending is None else f"{job.pending:,}"
    waits = f", the oldest for {duration(job.pending_age_s)}" if job.pending else ""
    beat = "never" if job.age_s is None else f"{duration(job.age_s)} ago"
    return Row(
        job.name, "bad" if is_late or job.state != "ok" else "good", "late" if is_late else job.state,
        (f"{pending}{waits}", beat, str(job.workers), job.last_error),
    )  # fmt: skip

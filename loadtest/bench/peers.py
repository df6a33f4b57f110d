"""The servers that are compared with each other: the project, and its peers on the same database."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from loadtest.bench.environment import Environment
from loadtest.bench.seed_sessions import SessionTables
from loadtest.bench.web_server import WebServer

THREADS = 8
PROJECT, ORM, CACHEOPS, CACHALOT = "hot lane", "ORM + DRF", "cacheops", "cachalot"
PEERS_SETTINGS = "loadtest.baselines.peers.settings"
VARIABLES = {
    PROJECT: {"LANE": "on"},
    **{
        name: {"SERVER": "peers", "PEER": peer, "DJANGO_SETTINGS_MODULE": PEERS_SETTINGS}
        for name, peer in ((ORM, "orm"), (CACHEOPS, "cacheops"), (CACHALOT, "cachalot"))
    },
}


@contextmanager
def running(env: Environment, tables: SessionTables, name: str, *, redis_database: int) -> Iterator[WebServer]:
    """Run one of the servers on the tables, with one worker, which is pinned to a core."""
    variables = {**VARIABLES[name], **tables.variables(env, redis_database)}
    with env.web_server(workers=1, threads=THREADS, **variables) as server:
        server.pin_workers_to_cores()
        yield server


def sign_tokens(env: Environment, tables: SessionTables, callers: range) -> dict[str, str]:
    """Return access tokens by user id, which all servers accept."""
    limits = (f"--first={callers[0]}", f"--last={callers[-1]}", f"--step={callers.step}")
    tokens = env.run_command("sign_tokens", *limits, **tables.variables(env, 0)).split()
    return dict(zip(map(str, callers), tokens, strict=True))


def ratios(ours: Iterable[float], theirs: Iterable[float]) -> list[float]:
    """Return the ratio within each round, in which other load on the machine affects both."""
    return [one / two for one, two in zip(ours, theirs, strict=True)]

"""A thousand readers of one key that nobody has read: one SQL query."""

import subprocess
import time
from contextlib import ExitStack
from typing import Any

from loadtest.bench import load_generator as client
from loadtest.bench import report
from loadtest.bench.environment import Ground

PROCESSES, THREADS = 4, 250
READERS = PROCESSES * THREADS
TABLE = "users_user"
STARTING_S = 1.5  # until all threads of a round stand at the barrier
HEAD = ("readers", "rounds", "SQL on the table, each round", "errors")


def measure(ground: Ground, *, users: int, rounds: int) -> tuple[dict[str, Any], list[report.Target]]:
    report.section(f"{READERS:,} concurrent readers of one cold key")
    threads = _threads(ground, list(range(users - rounds + 1, users + 1)))
    clients = _clients(ground, list(range(users - 2 * rounds + 1, users - rounds + 1)))
    found = {f"{PROCESSES} processes × {THREADS} threads, get_one()": threads, f"{READERS:,} HTTP clients": clients}
    lines = [[name, len(each["sql"]), " ".join(map(str, each["sql"])), each["errors"]] for name, each in found.items()]
    print(report.table(HEAD, lines))
    targets = []
    for name, each in found.items():
        targets.append(report.at_most(f"cold key, {name}, SQL in the worst round", max(each["sql"]), 1))
        targets.append(report.exactly(f"cold key, {name}, errors", each["errors"], 0))
    return found, targets


def _threads(ground: Ground, pks: list[int]) -> dict[str, Any]:
    """Through the manager, in processes of their own."""
    ground.redis.flushall()
    sql, errors = [], 0
    with ExitStack() as stack:
        readers = [_reader(ground, stack) for _ in range(PROCESSES)]
        for reader in readers:
            reader.stdout.readline()  # "ready"
        for pk in pks:
            with ground.statements() as statements:
                begins_at = time.time() + STARTING_S
                for reader in readers:
                    reader.stdin.write(f"{pk} {begins_at}\n")
                    reader.stdin.flush()
                errors += sum(int(reader.stdout.readline().split()[1]) for reader in readers)
            sql.append(_reads(statements))
    return {"sql": sql, "errors": errors}


def _reader(ground: Ground, stack: ExitStack) -> Any:
    reader = ground.managed(
        "read_cold_key", f"--threads={THREADS}", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    stack.callback(reader.wait)
    stack.callback(reader.stdin.close)  # it ends with its input
    return reader


def _clients(ground: Ground, pks: list[int]) -> dict[str, Any]:
    """Over HTTP; the callers' own rows are warm."""
    sql, errors = [], 0
    tokens = ground.tokens
    with ground.web(workers=2, threads=8) as web:
        order = {"port": web.port, "tokens": tokens}
        client.run(client.Order(paths=["/api/v1/users/me"], requests=4 * len(tokens), **order))
        for pk in pks:
            path = f"/api/v1/users/{pk}"
            with ground.statements() as statements:
                outcome = client.run(client.Order(paths=[path], requests=READERS, connections=READERS, **order))
            errors += sum(outcome.errors.values())
            sql.append(_reads(statements))
    return {"sql": sql, "errors": errors}


def _reads(statements: list[str]) -> int:
    return sum(statement.startswith("SELECT") and TABLE in statement for statement in statements)

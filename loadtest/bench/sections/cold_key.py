"""Section `cold-key`: a thousand concurrent readers of one key that is not cached send one SQL query."""

import subprocess
import time
from contextlib import ExitStack
from functools import partial
from typing import Any

from loadtest.bench import report
from loadtest.bench.environment import Environment
from loadtest.bench.load_generator import Workload, run_load

FULL, QUICK = 5, 1  # rounds
PROCESSES, THREADS = 4, 250
READERS = PROCESSES * THREADS
TABLE = "users_user"
START_DELAY_S = 1.5  # until all threads of a round wait at the barrier
HEADER = ("readers", "rounds", "SQL on the table, each round", "errors")


def measure(env: Environment, rounds: int) -> report.SectionResult:
    """Measure the SQL queries and errors of a round of simultaneous reads, by threads and by HTTP clients."""
    report.print_heading(f"{READERS:,} concurrent readers of one cold key")
    threads = _read_by_threads(env, list(range(env.users - rounds + 1, env.users + 1)))
    clients = _read_by_clients(env, list(range(env.users - 2 * rounds + 1, env.users - rounds + 1)))
    found = {f"{PROCESSES} processes × {THREADS} threads, get_one()": threads, f"{READERS:,} HTTP clients": clients}
    lines = [[name, len(each["sql"]), " ".join(map(str, each["sql"])), each["errors"]] for name, each in found.items()]
    print(report.table(HEADER, lines))
    targets = []
    for name, each in found.items():
        targets.append(report.at_most(f"cold key, {name}, SQL in the worst round", max(each["sql"]), 1))
        targets.append(report.exactly(f"cold key, {name}, errors", each["errors"], 0))
    return found, targets


def _read_by_threads(env: Environment, pks: list[int]) -> dict[str, Any]:
    """Read through the model's manager, in several processes with many threads each."""
    env.redis.flushall()
    sql, errors = [], 0
    with ExitStack() as stack:
        readers = [_start_reader(env, stack) for _ in range(PROCESSES)]
        for reader in readers:
            reader.stdout.readline()  # "ready"
        for pk in pks:
            with env.logged_statements() as statements:
                begins_at = time.time() + START_DELAY_S
                for reader in readers:
                    reader.stdin.write(f"{pk} {begins_at}\n")
                    reader.stdin.flush()
                errors += sum(int(reader.stdout.readline().split()[1]) for reader in readers)
            sql.append(_count_selects(statements))
    return {"sql": sql, "errors": errors}


def _start_reader(env: Environment, stack: ExitStack) -> Any:
    reader: Any = env.start_command(
        "read_cold_key", f"--threads={THREADS}", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    stack.callback(reader.wait)
    stack.callback(reader.stdin.close)  # the command ends with its input
    return reader


def _read_by_clients(env: Environment, pks: list[int]) -> dict[str, Any]:
    """Read over HTTP, with the callers' own rows in the cache."""
    sql, errors = [], 0
    tokens = env.tokens
    with env.web_server(workers=2, threads=8) as web:
        workload = partial(Workload, port=web.port, tokens=tokens)
        run_load(workload(paths=["/api/v1/users/me"], requests=4 * len(tokens)))
        for pk in pks:
            path = f"/api/v1/users/{pk}"
            with env.logged_statements() as statements:
                outcome = run_load(workload(paths=[path], requests=READERS, connections=READERS))
            errors += sum(outcome.errors.values())
            sql.append(_count_selects(statements))
    return {"sql": sql, "errors": errors}


def _count_selects(statements: list[str]) -> int:
    return sum(statement.startswith("SELECT") and TABLE in statement for statement in statements)

"""What was measured: costs of requests, bytes of entries and of rows, out of measured.toml."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("measured.toml")


class Cost(NamedTuple):
    """What one request takes: CPU of a web worker, of Redis and of the database in µs, statements, and bytes."""

    web_us: float
    redis_us: float
    database_us: float
    statements: float
    answer_bytes: float
    redis_bytes: float

    def plus(self, other: "Cost", share: float) -> "Cost":
        """Return the sum of this cost and a share of another one."""
        return Cost(*(own + share * theirs for own, theirs in zip(self, other, strict=True)))


NOTHING = Cost(0, 0, 0, 0, 0, 0)


class Measured(NamedTuple):
    """The constants of the arithmetic; `source` says when, where and by which command they were measured."""

    source: Mapping[str, str]
    requests: Mapping[str, Cost]
    entries: Mapping[str, float]
    rows: Mapping[str, float]


def load(file: Path = FILE) -> Measured:
    """Return the constants of a file that `make sizing ARGS="--measure"` has printed."""
    found: dict[str, Any] = tomllib.loads(file.read_text())
    requests = {name: Cost(**cost) for name, cost in found["requests"].items()}
    return Measured(found["source"], requests, found["entries"], found["rows"])


def dump(measured: Measured) -> str:
    """Return the text of such a file."""
    lines = ["[source]", *(f'{name} = "{value}"' for name, value in measured.source.items())]
    for name, cost in measured.requests.items():
        lines += ["", f"[requests.{name}]", *(f"{field} = {value:.2f}" for field, value in cost._asdict().items())]
    for section, values in (("entries", measured.entries), ("rows", measured.rows)):
        lines += ["", f"[{section}]", *(f"{name} = {value:.1f}" for name, value in values.items())]
    return "\n".join(lines) + "\n"

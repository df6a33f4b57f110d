"""Plain text tables, and figures compared with their limits."""

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple


class Target(NamedTuple):
    """One figure of a section: its name, measured value and limit in words, and whether it is within the limit."""

    figure: str
    measured: str
    limit: str
    reached: bool

    def __str__(self) -> str:
        verdict = "reached" if self.reached else "NOT REACHED"
        return f"{verdict:<13}{self.figure}: {self.measured} (limit: {self.limit})"


SectionResult = tuple[dict[str, Any], list[Target]]
"""What a section returns: its figures for the JSON file, and its targets."""


def at_most(figure: str, measured: float, limit: float) -> Target:
    """Return whether a number is at most `limit`, as a Target."""
    return Target(figure, f"{measured:,.0f}", f"≤ {limit:,.0f}", measured <= limit)


def median_at_most(figure: str, rounds: Sequence[float], limit: float) -> Target:
    """Return whether the median of the rounds is at most `limit`, as a Target."""
    return Target(figure, _spread(rounds), f"≤ {limit:,.2f}", median(rounds) <= limit)


def median_at_least(figure: str, rounds: Sequence[float], limit: float) -> Target:
    """Return whether the median of the rounds is at least `limit`, as a Target."""
    return Target(figure, _spread(rounds), f"≥ {limit:,.2f}", median(rounds) >= limit)


def _spread(rounds: Sequence[float]) -> str:
    return f"{median(rounds):,.2f} (rounds from {min(rounds):,.2f} to {max(rounds):,.2f})"


def at_least(figure: str, measured: float, limit: float) -> Target:
    """Return whether a number is at least `limit`, as a Target."""
    return Target(figure, f"{measured:,.0f}", f"≥ {limit:,.0f}", measured >= limit)


def times_at_least(figure: str, times: float, limit: float) -> Target:
    """Return whether a factor ("5.4 ×") is at least `limit`, as a Target."""
    return Target(figure, f"{times:,.1f} ×", f"≥ {limit:g} ×", times >= limit)


def exactly(figure: str, measured: float, limit: int) -> Target:
    """Return whether a number, rounded to two decimals, equals `limit`, as a Target."""
    return Target(figure, f"{measured:,.2f}".removesuffix(".00"), f"= {limit:,}", round(measured, 2) == limit)


class Table(NamedTuple):
    """A table that was made, under the heading that was printed before it."""

    heading: str
    header: list[str]
    rows: list[list[str]]


_headings = [""]
_tables: list[Table] = []


def taken_tables() -> list[Table]:
    """Return the tables made since the last call, in their order."""
    taken = list(_tables)
    _tables.clear()
    return taken


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a plain text table; all columns but the first are right-aligned."""
    _tables.append(Table(_headings[-1], list(header), [[str(cell) for cell in row] for row in rows]))
    lines = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    aligned = ["  ".join(map(_padded, line, widths, range(len(header)))) for line in lines]
    return "\n".join([aligned[0], "─" * len(aligned[0]), *aligned[1:]])


def _padded(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column else cell.ljust(width)


def print_heading(title: str) -> None:
    """Print the heading of a section."""
    _headings.append(title)
    print(f"\n## {title}\n", flush=True)

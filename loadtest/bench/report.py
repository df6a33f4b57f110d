"""Plain text tables, and figures held against what they have to reach."""

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple


class Target(NamedTuple):
    """One figure: what was measured, in words, and whether it is what was asked for."""

    figure: str
    measured: str
    limit: str
    reached: bool

    def __str__(self) -> str:
        verdict = "reached" if self.reached else "NOT REACHED"
        return f"{verdict:<13}{self.figure}: {self.measured} (limit: {self.limit})"


def at_most(figure: str, measured: float, limit: float) -> Target:
    return Target(figure, f"{measured:,.0f}", f"≤ {limit:,.0f}", measured <= limit)


def median_at_most(figure: str, rounds: Sequence[float], limit: float) -> Target:
    return Target(figure, _spread(rounds), f"≤ {limit:,.2f}", median(rounds) <= limit)


def median_at_least(figure: str, rounds: Sequence[float], limit: float) -> Target:
    return Target(figure, _spread(rounds), f"≥ {limit:,.2f}", median(rounds) >= limit)


def _spread(rounds: Sequence[float]) -> str:
    return f"{median(rounds):,.2f} (rounds from {min(rounds):,.2f} to {max(rounds):,.2f})"


def at_least(figure: str, measured: float, limit: float) -> Target:
    return Target(figure, f"{measured:,.0f}", f"≥ {limit:,.0f}", measured >= limit)


def times_at_least(figure: str, times: float, limit: float) -> Target:
    return Target(figure, f"{times:,.1f} ×", f"≥ {limit:g} ×", times >= limit)


def exactly(figure: str, measured: float, limit: int) -> Target:
    return Target(figure, f"{measured:,.2f}".removesuffix(".00"), f"= {limit:,}", round(measured, 2) == limit)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Right-aligned columns, but for the first."""
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    aligned = ["  ".join(map(_padded, line, widths, range(len(head)))) for line in lines]
    return "\n".join([aligned[0], "─" * len(aligned[0]), *aligned[1:]])


def _padded(cell: str, width: int, at: int) -> str:
    return cell.rjust(width) if at else cell.ljust(width)


def section(title: str) -> None:
    print(f"\n## {title}\n", flush=True)

"""The page of a report: targets, tables and bars, of one run or of two, in one file that loads nothing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

PLOTTED = re.compile(r"CPU µs|req/s|a second|writes/s|p99 ms|median ms|a user")
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip

Document = dict[str, Any]
"""A report as JSON: `when`, `quick`, `machine`, `sections` (name, seconds, tables, figures, targets)."""


class Bar(NamedTuple):
    """A line of a plot: a row of a table; widths are in per cent of the longest bar of the plot."""

    label: str
    now: str
    width: float
    before: str
    width_before: float


class Plot(NamedTuple):
    """A column of a table as bars."""

    title: str
    bars: list[Bar]


def render(now: Document, before: Document | None = None) -> str:
    """Return the page of a report, compared with an earlier one if there is any."""
    earlier = {section["name"]: section for section in before["sections"]} if before else {}
    sections = [(section, list(_shown(section, earlier.get(section["name"])))) for section in now["sections"]]
    targets = {target["figure"]: target["measured"] for section in earlier.values() for target in section["targets"]}
    return _templates.get_template("page.html").render(now=now, before=before, sections=sections, targets=targets)


def _shown(section: dict[str, Any], earlier: dict[str, Any] | None) -> Iterator[tuple[dict[str, Any], list[Plot]]]:
    """Yield each table with its plots; tables of the two reports belong together by their place and their columns."""
    others = earlier["tables"] if earlier else []
    for number, table in enumerate(section["tables"]):
        other = others[number] if number < len(others) and others[number]["header"] == table["header"] else None
        yield table, list(_plots(table, other))


def _plots(table: dict[str, Any], other: dict[str, Any] | None) -> Iterator[Plot]:
    labels = next((at for at, _ in enumerate(table["header"]) if any(_number(row[at]) for row in table["rows"])), 1)
    for column, title in enumerate(table["header"]):
        if PLOTTED.search(title) and len(table["rows"]) > 1:
            before = {_label(row, labels): row[column] for row in other["rows"]} if other else {}
            rows = [(_label(row, labels), row[column], before.get(_label(row, labels), "")) for row in table["rows"]]
            longest = max(_number(cell) or 0 for _, *cells in rows for cell in cells)
            if longest:
                yield Plot(title, [_bar(*row, longest) for row in rows])


def _label(row: list[str], columns: int) -> str:
    """Return the words that name a row: its cells before the first number."""
    return ", ".join(row[: max(1, columns)])


def _bar(label: str, now: str, before: str, longest: float) -> Bar:
    widths = [100 * (_number(cell) or 0) / longest for cell in (now, before)]
    return Bar(label, now, widths[0], before, widths[1])


def _number(cell: str) -> float | None:
    found = re.fullmatch(r"[\d,]*\d(?:\.\d+)?", cell)
    return float(found[0].replace(",", "")) if found else None

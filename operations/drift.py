"""The panel that tells what the sampling check has found: entries and counters that differ from their rows."""

import time
from datetime import UTC, datetime
from typing import NamedTuple

from metrics.drift import Findings
from operations import kinds
from operations.health import Row, Verdict
from operations.sources import Answer
from operations.text import duration

SILENT_S = 60
"""The time without a comparison from which on that is a warning: no worker runs the check, or there are no entries."""


class Drifted(NamedTuple):
    """An entry that has drifted: its key, and the words by which it is looked up, where these are known."""

    key: str
    words: str
    found_at: datetime


class Panel(NamedTuple):
    """A verdict in one row, how many entries of each kind were compared and differ, and examples."""

    verdict: Verdict
    text: str
    kinds: list[Row]
    examples: list[Drifted]


def panel(answer: Answer) -> Panel:
    """Return the panel of what metrics.drift.read() has answered."""
    if answer.error:
        return Panel("bad", answer.error, [], [])
    found: Findings = answer.value
    return Panel(*_verdict(found), _rows(found), [_drifted(*each) for each in found.examples])


def _rows(found: Findings) -> list[Row]:
    """Return a row for each kind, those that differ first."""
    labels = sorted(
        found.compared.keys() | found.differing.keys(), key=lambda label: (label not in found.differing, label)
    )
    return [
        Row(
            label,
            "bad" if label in found.differing else "good",
            f"{found.differing.get(label, 0):,}",
            (f"{found.compared.get(label, 0):,}",),
        )
        for label in labels
    ]


def _verdict(found: Findings) -> tuple[Verdict, str]:
    compared, differing = sum(found.compared.values()), sum(found.differing.values())
    silent_s = None if found.last_at is None else max(0.0, time.time() - found.last_at)
    if silent_s is None:
        return "warning", "Nothing has been compared since yesterday: no worker runs the job sampling."
    since = f"{datetime.fromtimestamp(found.since, UTC):%Y-%m-%d}"
    text = f"{differing:,} of {compared:,} differ since {since}, the last was compared {duration(silent_s)} ago"
    return "bad" if differing else "warning" if silent_s > SILENT_S else "good", text


def _drifted(kind: str, key: str, found_at: float) -> Drifted:
    words = key if kind.startswith("counters of ") else kinds.leading_to(key)
    return Drifted(key, words, datetime.fromtimestamp(found_at, UTC))

"""Curves of the last hours for each model, drawn by the server as SVG that takes its colours from the page."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from operations.history import Bucket

WIDTH, HEIGHT = 320, 70
EVENTS = ("hits", "misses", "waits", "bypasses")


class Curve(NamedTuple):
    """The curve of a model, and what it says in words."""

    label: str
    text: str
    svg: SafeString


def curves(buckets: Sequence[Bucket]) -> list[Curve]:
    """Return the curves of all models that were read, the most read first."""
    labels = {label for bucket in buckets for label, _ in bucket.numbers}
    read = {label: sum(_reads(bucket, label) for bucket in buckets) for label in labels}
    return [_curve(label, buckets) for label in sorted(labels, key=lambda label: (-read[label], label)) if read[label]]


def _curve(label: str, buckets: Sequence[Bucket]) -> Curve:
    ratios = [_ratio(bucket, label) for bucket in buckets]
    waits = [bucket.numbers.get((label, "waits"), 0) for bucket in buckets]
    hits, reads = (sum(each) for each in zip(*((_hits(b, label), _reads(b, label)) for b in buckets), strict=True))
    most = max(waits)
    text = f"{hits / reads:.1%} of {reads:,} reads hit, {sum(waits):,} waits (at most {most:,} in 2 min)"
    began, ended = (f"{datetime.fromtimestamp(each.began_at, UTC):%H:%M}" for each in (buckets[0], buckets[-1]))
    svg = format_html(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}{}'
        '<text x="0" y="{}">{}</text><text x="{}" y="{}" text-anchor="end">{}</text></svg>',
        WIDTH, HEIGHT + 16, f"{label}: {text}", f"{label}: {text}", _line("ratio", ratios),
        _line("waits", [each / most if most else None for each in waits]),
        HEIGHT + 13, began, WIDTH, HEIGHT + 13, ended,
    )  # fmt: skip
    return Curve(label, text, svg)


def _line(name: str, fractions: Sequence[float | None]) -> SafeString:
    """Return a curve, with gaps where nothing is known; a point alone is a short dash."""
    step = WIDTH / len(fractions)
    parts = (_points(part, step) for part in _parts(fractions))
    frame = format_html('<path class="axis" d="M0 1H{}M0 {}H{}"/>', WIDTH, HEIGHT, WIDTH)
    drawn = format_html_join("", '<polyline class="{}" points="{}"/>', ((name, part) for part in parts))
    return format_html("{}{}", frame if name == "ratio" else "", drawn)


def _points(part: Iterable[tuple[int, float]], step: float) -> str:
    return " ".join(f"{at * step:.1f},{y:.1f} {(at + 1) * step:.1f},{y:.1f}" for at, y in part)


def _parts(fractions: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    parts: list[list[tuple[int, float]]] = [[]]
    for at, fraction in enumerate(fractions):
        if fraction is None:
            parts.append([])
        else:
            parts[-1].append((at, 1 + (HEIGHT - 1) * (1 - fraction)))
    return [part for part in parts if part]


def _ratio(bucket: Bucket, label: str) -> float | None:
    reads = _reads(bucket, label)
    return _hits(bucket, label) / reads if reads else None


def _hits(bucket: Bucket, label: str) -> int:
    return bucket.numbers.get((label, "hits"), 0)


def _reads(bucket: Bucket, label: str) -> int:
    return sum(bucket.numbers.get((label, event), 0) for event in EVENTS)

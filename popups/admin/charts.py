"""Bars of each day, drawn by the server as SVG."""

from collections.abc import Mapping
from datetime import date

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from popups.admin.statistics import Count

WIDTH, HEIGHT, MARGIN, TOP, FOOT = 900, 220, 60, 10, 24
COLORS = {"shown": "#a9c9dc", "clicked": "#2f7d3b", "dismissed": "#b0803a"}
LABELS = 12  # dates under the chart, at most


def legend() -> SafeString:
    chip = '<span class="chip" style="background: {}"></span> {} &nbsp; '
    return format_html_join("", chip, ((color, name) for name, color in COLORS.items()))


def bars(counts: Mapping[date, Count]) -> SafeString:
    most = _round_up(max((count.shown for count in counts.values()), default=0))
    step = (WIDTH - MARGIN) / max(len(counts), 1)
    days = [(MARGIN + place * step, day, count) for place, (day, count) in enumerate(counts.items())]
    drawn = format_html_join("", "{}", ((_day(day, count, left, step, most),) for left, day, count in days))
    label = '<text x="{}" y="{}" text-anchor="middle">{}</text>'
    labelled = days[:: -(-len(days) // LABELS) or 1]
    labels = [(round(left + step / 2), HEIGHT + FOOT - 8, f"{day:%d %b}") for left, day, _ in labelled]
    return format_html(
        '<svg viewBox="0 0 {} {}" class="bars" role="img" aria-label="Shown, clicked, dismissed by day">{}{}{}</svg>',
        WIDTH, HEIGHT + FOOT, _axis(most), drawn, format_html_join("", label, labels),
    )  # fmt: skip


def _day(day: date, count: Count, left: float, width: float, most: int) -> SafeString:
    """Shown behind; clicked and dismissed before it, side by side."""
    return format_html(
        "<g><title>{}</title>{}{}{}</g>",
        f"{day}: {count.shown} shown, {count.clicked} clicked ({count.click_rate}), {count.dismissed} dismissed",
        _bar(left + width * 0.1, width * 0.8, count.shown / most, COLORS["shown"]),
        _bar(left + width * 0.2, width * 0.28, count.clicked / most, COLORS["clicked"]),
        _bar(left + width * 0.52, width * 0.28, count.dismissed / most, COLORS["dismissed"]),
    )


def _bar(x: float, width: float, part: float, color: str) -> SafeString:
    height = (HEIGHT - TOP) * part
    places = [f"{number:.1f}" for number in (x, HEIGHT - height, width, height)]
    return format_html('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>', *places, color)


def _axis(most: int) -> SafeString:
    line = '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="currentColor" opacity=".25"/>'
    text = '<text x="{}" y="{}" text-anchor="end">{}</text>'
    heights = [(value, HEIGHT - (HEIGHT - TOP) * value // most) for value in (0, most // 2, most)]
    marks = [(MARGIN, WIDTH, y, y, MARGIN - 6, y + 4, f"{value:,}") for value, y in heights]
    return format_html_join("", line + text, marks)


def _round_up(value: int) -> int:
    """To 2, 4, 10, 20, 40, 100 …: half of it is a whole number."""
    size = 1
    while True:
        for step in (2, 4, 10):
            if value <= step * size:
                return step * size
        size *= 10

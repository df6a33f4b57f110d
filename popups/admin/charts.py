"""Bar charts of events by day, as SVG drawn by the server."""

from collections.abc import Mapping
from datetime import date
from itertools import count

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from popups.admin.statistics import EventCounts

WIDTH, HEIGHT, MARGIN, TOP, FOOT = 900, 220, 60, 10, 24
COLORS = {"shown": "#a9c9dc", "clicked": "#2f7d3b", "dismissed": "#b0803a"}
MAX_LABELS = 12  # dates under the chart


def legend() -> SafeString:
    """Return the colors of the bars with their meaning, as HTML."""
    chip = '<span class="chip" style="background: {}"></span> {} &nbsp; '
    return format_html_join("", chip, ((color, name) for name, color in COLORS.items()))


def bar_chart(by_day: Mapping[date, EventCounts]) -> SafeString:
    """Return a chart of the events of consecutive days, as SVG."""
    top = _round_up(max((counts.shown for counts in by_day.values()), default=0))
    step = (WIDTH - MARGIN) / max(len(by_day), 1)
    days = [(MARGIN + index * step, day, counts) for index, (day, counts) in enumerate(by_day.items())]
    bars = format_html_join("", "{}", ((_day(day, counts, left, step, top),) for left, day, counts in days))
    label = '<text x="{}" y="{}" text-anchor="middle">{}</text>'
    labelled = days[:: -(-len(days) // MAX_LABELS) or 1]  # every nth day, n rounded up
    labels = [(round(left + step / 2), HEIGHT + FOOT - 8, f"{day:%d %b}") for left, day, _ in labelled]
    return format_html(
        '<svg viewBox="0 0 {} {}" class="bars" role="img" aria-label="Shown, clicked, dismissed by day">{}{}{}</svg>',
        WIDTH, HEIGHT + FOOT, _axis(top), bars, format_html_join("", label, labels),
    )  # fmt: skip


def _day(day: date, counts: EventCounts, left: float, width: float, top: int) -> SafeString:
    """Return the bars of one day: shown in the background, clicked and dismissed side by side in front."""
    return format_html(
        "<g><title>{}</title>{}{}{}</g>",
        f"{day}: {counts.shown} shown, {counts.clicked} clicked ({counts.click_rate}), {counts.dismissed} dismissed",
        _bar(left + width * 0.1, width * 0.8, counts.shown / top, COLORS["shown"]),
        _bar(left + width * 0.2, width * 0.28, counts.clicked / top, COLORS["clicked"]),
        _bar(left + width * 0.52, width * 0.28, counts.dismissed / top, COLORS["dismissed"]),
    )


def _bar(x: float, width: float, fraction: float, color: str) -> SafeString:
    height = (HEIGHT - TOP) * fraction
    box = [f"{number:.1f}" for number in (x, HEIGHT - height, width, height)]
    return format_html('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>', *box, color)


def _axis(top: int) -> SafeString:
    line = '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="currentColor" opacity=".25"/>'
    text = '<text x="{}" y="{}" text-anchor="end">{}</text>'
    heights = [(value, HEIGHT - (HEIGHT - TOP) * value // top) for value in (0, top // 2, top)]
    ticks = [(MARGIN, WIDTH, y, y, MARGIN - 6, y + 4, f"{value:,}") for value, y in heights]
    return format_html_join("", line + text, ticks)


def _round_up(value: int) -> int:
    """Return the first of 2, 4, 10, 20, 40, 100 … that is not less than a value; its half is a whole number."""
    return next(limit for digits in count() for step in (2, 4, 10) if value <= (limit := step * 10**digits))

"""The route of counters in the hot lane, for requests without escapes and with one parameter."""

from counters.http.reads import ReadCounters
from counters.http.targets import targets_of
from serving.api import Route

ROUTES = (
    Route(
        "counters",
        r"targets=([a-z0-9_:,]+)",
        lambda batch, caller_id, targets: ReadCounters(batch, targets_of(targets)),
    ),
)

"""The read of counters that the hot lane answers, in its plainest form."""

from counters.http.reads import SomeCounts
from counters.http.targets import targets_of
from serving.hot_lane.routes import Route

ROUTES = (
    Route(
        "counters",
        r"targets=([a-z0-9_:,]+)",
        lambda batch, caller_id, targets: SomeCounts(batch, targets_of(targets)),
    ),
)

"""The reads and writes of rated items that the hot lane answers, in the form without optional variations."""

from api.ids import split_ids
from ratings.reads import OneItem, SomeItems
from ratings.writes import ScoreWrite
from serving.api import IDS, Route, WriteRoute

ROUTES = (
    WriteRoute(
        "PUT",
        "ratings/{id}/score",
        lambda batch, caller_id, item_id, score: ScoreWrite(batch, caller_id, item_id, int(score)),
        rb'\s*\{\s*"score"\s*:\s*([1-9]|10)\s*\}\s*',
    ),
    Route("ratings/{id}", "", OneItem),
    Route("ratings", rf"ids={IDS}", lambda batch, caller_id, ids: SomeItems(batch, caller_id, split_ids(ids))),
)

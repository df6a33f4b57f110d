"""The reads of rated items that the hot lane answers, in the form without optional variations."""

from api.ids import split_ids
from ratings.reads import OneItem, SomeItems
from serving.api import IDS, Route

ROUTES = (
    Route("ratings/{id}", "", OneItem),
    Route("ratings", rf"ids={IDS}", lambda batch, caller_id, ids: SomeItems(batch, caller_id, split_ids(ids))),
)

"""The base of the cache sources of popups."""

from typing import Any

from django.db import models, router

from caching.extend import Result, Source


class PopupSource(Source):
    """A cache source that loads from the primary database of `model`. Subclasses say how entries are keyed, loaded,
    encoded and decoded."""

    scripted = False
    outlives_runs = True  # scripts write the entries, and events that are not drained may be in them alone
    model: type[models.Model]

    @property
    def using(self) -> str:
        return router.db_for_write(self.model)

    def of(self, identity: Any = None) -> Result[Any]:
        """Return the question for the value of one identity, to be added to a batch."""
        return Result(self, {self.key(identity): identity})

"""Columns that are filled between the signal before a save and the SQL, or by the database."""

from typing import Any

from django.db import models
from django.db.models.signals import pre_save

from caching.api import Cached, CachedModel, IdList


class AutoSlugField(models.CharField):
    """A text that is made of another when the row is saved."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Make the slug."""
        slug = f"slug-{getattr(model_instance, 'title', '')}"[:40]
        setattr(model_instance, self.attname, slug)
        return slug


class Filing(CachedModel):
    """Found by a slug that its field makes; listed by day, by desk and by drawer."""

    cached = Cached(lookups=("slug", "shelf"))

    title = models.CharField(max_length=30, unique=True)
    slug = AutoSlugField(max_length=40, unique=True, editable=False)
    day = models.DateField(auto_now=True)
    desk = models.IntegerField(db_default=3)
    drawer = models.IntegerField(default=0, editable=False)
    shelf = models.CharField(max_length=40, unique=True, editable=False)


def choose_drawer(*, instance: Filing, **_: Any) -> None:
    """Decide by the title where it is put, as late as possible."""
    instance.drawer = len(instance.title)
    instance.shelf = f"shelf of {instance.title}"


pre_save.connect(choose_drawer, sender=Filing)

filings_of_day = IdList(Filing, owner="day", newest=5)
filings_of_desk = IdList(Filing, owner="desk", newest=5)
filings_of_drawer = IdList(Filing, owner="drawer", newest=5)

"""A model as another package has it, without a thought of caching: two kinds of managers, and rows that stay."""

from django.db import models


class MagazineQuerySet(models.QuerySet):
    """Deletes by a mark, and notes each update."""

    def delete(self):
        return self.update(is_deleted=True), {}

    def update(self, **changes):
        return super().update(**changes, revision=models.F("revision") + 1)

    def titled(self, title):
        return self.filter(title=title)


class LiveManager(models.Manager):
    def get_queryset(self):
        return MagazineQuerySet(self.model, using=self._db).filter(is_deleted=False)


class Magazine(models.Model):
    title = models.CharField(max_length=50, unique=True)
    is_deleted = models.BooleanField(default=False)
    revision = models.IntegerField(default=0)

    every = MagazineQuerySet.as_manager()
    live = LiveManager()

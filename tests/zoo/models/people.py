"""Accounts, profiles whose key is the account's, abstract bases, timestamps, soft deletion, history by signals."""

from typing import Any

from django.contrib.auth.models import User
from django.db import models
from django.db.models.signals import post_save, pre_delete
from django.utils import timezone

from caching.api import Cached, CachedManager, CachedModel


class NamedManager(CachedManager):
    """A manager of an abstract base."""

    def named(self, name: str) -> Any:
        """Return the rows of a name."""
        return self.filter(name=name)


class TimeStamped(CachedModel):
    """Timestamps that Django keeps."""

    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    class Meta(CachedModel.Meta):
        abstract = True
        ordering = ("-created_at",)


class Named(models.Model):
    """A plain abstract base, with a manager."""

    name = models.CharField(max_length=60)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Profile(TimeStamped):
    """The key is a foreign key to a model that is not cached; found by a column, too."""

    cached = Cached(lookups=("nickname",), since="modified_at")

    user = models.OneToOneField(User, models.CASCADE, primary_key=True)
    nickname = models.CharField(max_length=30, unique=True)
    born = models.DateField(null=True, blank=True)


class Wallet(CachedModel):
    """The key is a foreign key to a model whose key is one as well."""

    profile = models.OneToOneField(Profile, models.CASCADE, primary_key=True, related_name="wallet")
    balance = models.DecimalField(max_digits=12, decimal_places=2, default=0)


class Note(TimeStamped, Named):
    """Deleted softly: the row stays, its column says so; its own `delete()` writes."""

    author = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="notes")
    body = models.TextField(blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = NamedManager()

    class Meta(TimeStamped.Meta):
        get_latest_by = "modified_at"

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Mark the row as deleted."""
        self.deleted_at = timezone.now()
        self.save(update_fields=["deleted_at"])
        return 1, {self._meta.label: 1}


class Paper(CachedModel):
    """Every save is written down, and counted, by a receiver of `post_save`."""

    title = models.CharField(max_length=60)
    revisions = models.PositiveIntegerField(default=0)
    latest = models.ForeignKey("PaperRevision", models.SET_NULL, null=True, blank=True, related_name="+")


class PaperRevision(CachedModel):
    """The history of a paper."""

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="history")
    title = models.CharField(max_length=60)
    number = models.PositiveIntegerField()


def keep_history(*, instance: Paper, raw: bool, using: str, **_: Any) -> None:
    """Write down what was saved, and point to it."""
    if raw:
        return
    papers = Paper.objects.using(using).filter(pk=instance.pk)
    papers.update(revisions=models.F("revisions") + 1)
    number = papers.values_list("revisions", flat=True).get()
    kept = PaperRevision.objects.using(using).create(paper_id=instance.pk, title=instance.title, number=number)
    papers.update(latest=kept)


def forget_latest(*, instance: PaperRevision, using: str, **_: Any) -> None:
    """Rename the paper of a revision that is about to be deleted."""
    Paper.objects.using(using).filter(latest=instance).update(title=models.F("title"))


post_save.connect(keep_history, sender=Paper)
pre_delete.connect(forget_latest, sender=PaperRevision)

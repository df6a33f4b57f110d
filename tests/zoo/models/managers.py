"""Managers that filter, and relations whose managers do."""

import uuid
from typing import Any

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models

from caching.api import Cached, CachedManager, CachedModel, CachedQuerySet, IdList


class KeptManager(CachedManager):
    """Without rows that are deleted softly."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(deleted_at=None)


class OpenManager(CachedManager):
    use_in_migrations = True

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(is_open=True, level=1)


class DraftQuerySet(CachedQuerySet):
    def named(self, title: str) -> Any:
        return self.filter(title=title)


class NamedManager(CachedManager):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(title="named")


class NotManager(CachedManager):
    def get_queryset(self) -> Any:
        return super().get_queryset().exclude(level=1)


class EitherManager(CachedManager):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(models.Q(level=1) | models.Q(level=2))


class JoinedManager(CachedManager):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(author__name="Ann")


class SecretManager(CachedManager):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(secret=1)


class NoneManager(CachedManager):
    def get_queryset(self) -> Any:
        return super().get_queryset().none()


class FullManager(CachedManager):
    """Filters nothing, and loads the author with the row."""

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("author", "translator").order_by("-title")


class BriefManager(CachedManager):
    def get_queryset(self) -> Any:
        return super().get_queryset().only("title")


class Publishing(CachedModel):
    """The managers of an abstract base."""

    objects = KeptManager()
    all_objects: Any = CachedManager()

    class Meta:
        abstract = True


class Writer(CachedModel):
    name = models.CharField(max_length=40)
    token = models.UUIDField(default=uuid.uuid4, unique=True)
    seals = GenericRelation("zoo.Seal")


class Draft(Publishing):
    cached = Cached(lookups=("slug",), never=("secret",))

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=40, default="")
    author = models.ForeignKey(Writer, models.CASCADE, related_name="drafts")
    translator = models.ForeignKey(Writer, models.SET_NULL, null=True, related_name="translations")
    readers = models.ManyToManyField(Writer, related_name="readings")
    deleted_at = models.DateTimeField(null=True)
    is_open = models.BooleanField(default=True)
    level = models.IntegerField(default=1)
    secret = models.IntegerField(default=1)
    batch = models.UUIDField(null=True)
    due = models.DateField(null=True)

    open_ones = OpenManager()
    named = NamedManager()
    other_levels = NotManager()
    either = EitherManager()
    anns = JoinedManager()
    secrets = SecretManager()
    nothing = NoneManager()
    full = FullManager()
    brief = BriefManager()
    chained: Any = CachedManager.from_queryset(DraftQuerySet)()

    class Meta:
        default_manager_name = "objects"


class Seal(CachedModel):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.BigIntegerField()
    about = GenericForeignKey()
    text = models.CharField(max_length=40, default="")


drafts_of = IdList(Draft, owner="author", newest=5)

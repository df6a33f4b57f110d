"""Generic relations: what points to a row of any model."""

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models

from caching.api import CachedModel


class Remark(CachedModel):
    """A generic foreign key."""

    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveBigIntegerField()
    about = GenericForeignKey()
    text = models.TextField()

    class Meta(CachedModel.Meta):
        indexes = [models.Index(fields=["content_type", "object_id"])]


class Attachment(CachedModel):
    """A generic foreign key to keys of any kind, as text, by names of its own."""

    kind = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)
    about = GenericForeignKey("kind", "key")
    name = models.CharField(max_length=40)


class Photo(CachedModel):
    """What remarks are made about; deleting a photo deletes its remarks."""

    title = models.CharField(max_length=40)
    remarks = GenericRelation(Remark)
    attachments = GenericRelation(Attachment, content_type_field="kind", object_id_field="key")

"""Models that point to themselves."""

from django.db import models

from caching.api import Cached, CachedModel


class Category(CachedModel):
    """A tree by a foreign key to itself, found by a slug."""

    cached = Cached(lookups=("slug",))

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80, default="")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")

    class Meta(CachedModel.Meta):
        ordering = ("name", "pk")
        verbose_name_plural = "categories"


class Folder(CachedModel):
    """A tree whose branches are deleted with their root, with the depth and path that tree libraries keep."""

    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True)
    name = models.CharField(max_length=40)
    path = models.CharField(max_length=255, blank=True, db_index=True)
    depth = models.PositiveSmallIntegerField(default=0)

    class Meta(CachedModel.Meta):
        default_related_name = "subfolders"
        constraints = [models.UniqueConstraint("parent", "name", name="zoo_folder_names_are_unique")]


class Person(CachedModel):
    """Many-to-many to itself: symmetrical, and by rows of its own."""

    name = models.CharField(max_length=40)
    friends = models.ManyToManyField("self", blank=True)
    mentors = models.ManyToManyField(
        "self", through="Mentoring", through_fields=("learner", "mentor"), symmetrical=False, related_name="learners"
    )


class Mentoring(CachedModel):
    """An edge with further columns, one of which points to the same model."""

    learner = models.ForeignKey(Person, models.CASCADE, related_name="mentorings")
    mentor = models.ForeignKey(Person, models.CASCADE, related_name="+")
    arranged_by = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="arranged")
    since = models.DateField(null=True, blank=True)

    class Meta(CachedModel.Meta):
        unique_together = (("learner", "mentor"),)

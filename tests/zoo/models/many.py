"""Many-to-many relations, without and with rows of their own."""

from django.db import models

from caching.api import Cached, CachedModel


class Label(CachedModel):
    """A tag."""

    cached = Cached(lookups=("name",))

    name = models.CharField(max_length=40, unique=True)


class Article(CachedModel):
    """Tags by a table that Django makes; a counter that is counted up in the database."""

    cached = Cached(ttl_s=60, never=("draft",))

    headline = models.CharField(max_length=100)
    labels = models.ManyToManyField(Label, blank=True, related_name="articles")
    draft = models.TextField(blank=True)
    views = models.PositiveIntegerField(default=0)


class Track(CachedModel):
    """A song."""

    title = models.CharField(max_length=100)
    length = models.DurationField(null=True)


class Playlist(CachedModel):
    """Songs in an order."""

    title = models.CharField(max_length=100)
    tracks = models.ManyToManyField(Track, through="PlaylistTrack", related_name="playlists")


class PlaylistTrack(CachedModel):
    """The cached row of a many-to-many relation, whose key has two unique pairs beside it."""

    playlist = models.ForeignKey(Playlist, models.CASCADE, related_name="entries")
    track = models.ForeignKey(Track, models.CASCADE, related_name="+")
    position = models.IntegerField(default=0)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta(CachedModel.Meta):
        ordering = ("playlist", "position")
        constraints = [models.UniqueConstraint(fields=("playlist", "track"), name="zoo_a_track_is_once_in_a_list")]

"""Rated items and the scores that users give them."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinLengthValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from api.model_fields import LineField, MultilineField
from caching.api import Cached, CachedModel, EdgeModel, EdgeValue
from users.models import User

TITLE_LENGTH, DESCRIPTION_LENGTH = 200, 2_000
LOWEST, HIGHEST = 1, 10


class Item(CachedModel):
    """Something that users rate."""

    id = models.BigAutoField(primary_key=True)
    title = LineField(max_length=TITLE_LENGTH, validators=[MinLengthValidator(1)])
    description = MultilineField(max_length=DESCRIPTION_LENGTH, blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    removed_at = models.DateTimeField(null=True, db_index=True, editable=False)  # set while being deleted
    cached: ClassVar = Cached(since="created_at")

    def __str__(self) -> str:
        return f"{self.pk}: {self.title[:40]}"


class Score(EdgeModel):
    """The score of one user for one item. The unique index starts with the user, as users read their own."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    item = models.ForeignKey(Item, models.CASCADE, related_name="+", db_index=False)
    score = models.PositiveSmallIntegerField(validators=[MinValueValidator(LOWEST), MaxValueValidator(HIGHEST)])
    partitioned_by = "user_id"

    class Meta(EdgeModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["user", "item"], name="ratings_score_pair"),
            models.CheckConstraint(condition=Q(score__gte=LOWEST, score__lte=HIGHEST), name="ratings_score_range"),
        ]
        indexes = [models.Index(fields=["item", "score"], name="ratings_score_histogram")]

    def __str__(self) -> str:
        return f"{self.user_id} gives {self.item_id} {self.score}"


my_scores = EdgeValue(Score, owner="user", member="item", value="score")

"""A small application: cached rows, a list of them, likes as an edge, and scores as values of an edge."""

from django.db import models

from caching.api import Cached, CachedModel, EdgeModel, EdgeValue, IdList, IdSet


class Cook(CachedModel):
    name = models.CharField(max_length=50, unique=True)
    secret = models.CharField(max_length=50, default="")
    cached = Cached(ttl_s=600, never=("secret",), lookups=("name",))


class Recipe(CachedModel):
    title = models.CharField(max_length=50)
    cook = models.ForeignKey(Cook, models.CASCADE, related_name="recipes")
    cached = Cached(ttl_s=600)


class Liking(EdgeModel):
    cook = models.ForeignKey(Cook, models.CASCADE, related_name="+")
    recipe = models.ForeignKey(Recipe, models.CASCADE, related_name="+")

    class Meta(EdgeModel.Meta):
        constraints = [models.UniqueConstraint(fields=["cook", "recipe"], name="liking_once")]


class Taste(CachedModel):
    cook = models.ForeignKey(Cook, models.CASCADE, related_name="+")
    recipe = models.ForeignKey(Recipe, models.CASCADE, related_name="+")
    stars = models.IntegerField()
    cached = Cached(ttl_s=600)

    class Meta(CachedModel.Meta):
        constraints = [models.UniqueConstraint(fields=["cook", "recipe"], name="taste_once")]


liked = IdSet(Liking, owner="cook", member="recipe")
newest_recipes = IdList(Recipe, owner="cook", newest=3)
stars_given = EdgeValue(Taste, owner="cook", member="recipe", value="stars")

"""Posts without the cache, and checks of favourites by the earlier design."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.ids import parse_ids
from api.json import json_response
from api.views import BatchedView
from caching.api import Batch
from loadtest.baselines import favorites
from loadtest.baselines.views import DefaultAPIView, UserSerializer
from posts.models import HOME_PAGE, Comment, Favorite, Like, Post

CHECK_CAP = 200


class FavoritesCheckView(BatchedView):
    """Checks of favourites. The caller is admitted as by the API, so that only the check differs."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        self.post_ids = parse_ids(request.query_params, cap=CHECK_CAP)

    def get(self, request: Request) -> HttpResponse:
        found = favorites.check(self.caller_id, self.post_ids)
        return json_response({"results": {str(post_id): is_favorite for post_id, is_favorite in found.items()}})


class PostSerializer(serializers.ModelSerializer):
    """A post; `context` has the ids of the posts that the caller has `liked` and `favorited`."""

    author = UserSerializer()
    counts = serializers.SerializerMethodField()
    liked = serializers.SerializerMethodField()
    favorited = serializers.SerializerMethodField()

    class Meta:
        model = Post
        fields = ("id", "author", "text", "repost_of", "created_at", "counts", "liked", "favorited")

    def get_counts(self, post: Post) -> dict[str, int]:
        return {
            "likes": Like.objects.filter(post=post).count(),
            "comments": Comment.objects.filter(post=post).count(),
            "reposts": Post.objects.filter(repost_of=post).count(),
        }

    def get_liked(self, post: Post) -> bool:
        return post.pk in self.context["liked"]

    def get_favorited(self, post: Post) -> bool:
        return post.pk in self.context["favorited"]


class HomePageView(DefaultAPIView):
    """A user's posts: 45 COUNTs for 15 posts; favourites are not counted."""

    def get(self, request: Request, pk: int) -> Response:
        shown = Post.objects.filter(author_id=pk, state=Post.State.SHOWN).select_related("author")
        posts = list(shown.order_by("-pk")[:HOME_PAGE])
        context = {"liked": _marked(Like, request, posts), "favorited": _marked(Favorite, request, posts)}
        return Response({"results": PostSerializer(posts, many=True, context=context).data})


def _marked(model: Any, request: Request, posts: list[Post]) -> set[int]:
    return set(model.objects.filter(user_id=request.user.pk, post__in=posts).values_list("post_id", flat=True))

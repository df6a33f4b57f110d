"""Posts, the feed, home pages, comments, likes and favourites."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Q
from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loadtest.baselines.peers import counts
from loadtest.baselines.peers.cache import among, uncached
from loadtest.baselines.peers.models import SHOWN, Comment, Favorite, Follow, Like, Mark, Post
from loadtest.baselines.peers.people import asked_ids, found, hidden_from
from loadtest.baselines.peers.repeats import in_transaction
from loadtest.baselines.peers.serializers import CommentSerializer, PostSerializer

POSTS = Post.objects.filter(state=SHOWN, author__is_active=True).select_related("author")


class Posts(CursorPagination):
    """Pages of posts, newest first."""

    page_size, ordering = 15, "-pk"


class Comments(CursorPagination):
    """Pages of comments, newest first."""

    page_size, ordering = 20, "-pk"


def marks(user_id: int, ids: Sequence[int]) -> dict[str, Any]:
    """Return the counts of posts, and which of them a user has liked and has as favourites."""
    return {
        "counts": counts.counts_of("post", ids),
        "liked": among(Like.objects.filter(user_id=user_id), "post_id", ids),
        "favorited": among(Favorite.objects.filter(user_id=user_id), "post_id", ids),
    }


def documents(posts: Sequence[Any], user_id: int) -> Any:
    """Return the documents of posts for a user."""
    return PostSerializer(posts, many=True, context=marks(user_id, [post.pk for post in posts])).data


def page(request: Request, queryset: Any) -> Response:
    """Answer with a page of posts."""
    pages = Posts()
    return pages.get_paginated_response(documents(pages.paginate_queryset(queryset, request) or [], request.user.pk))


def visible_post(request: Request, pk: int) -> Any:
    """Return a post that the caller may see; raise the 404 or 403 of one that the caller may not."""
    post = get_object_or_404(POSTS, pk=pk)
    if post.author_id in hidden_from(request.user.pk):
        raise PermissionDenied
    return post


class FeedView(APIView):
    """Endpoint feed: GET returns the posts of those whom the caller follows, and the caller's own."""

    def get(self, request: Request) -> Response:
        me = request.user.pk
        followed = Follow.objects.filter(follower_id=me).values("followee_id")
        posts = POSTS.filter(Q(author_id=me) | Q(author_id__in=followed))
        hidden = hidden_from(me)
        return page(request, posts.exclude(author_id__in=hidden) if hidden else posts)


class HomePageView(APIView):
    """Endpoint users/{id}/posts: GET returns the posts of a user."""

    def get(self, request: Request, pk: int) -> Response:
        if pk in hidden_from(request.user.pk):
            raise PermissionDenied
        return page(request, POSTS.filter(author_id=pk))


class PostsView(APIView):
    """Endpoint posts: GET returns the posts with the given `ids`."""

    def get(self, request: Request) -> Response:
        wanted, hidden = asked_ids(request), hidden_from(request.user.pk)
        posts = [post for post in uncached(POSTS.filter(pk__in=wanted)) if post.author_id not in hidden]
        return found(wanted, documents(posts, request.user.pk))


class FavoritesCheckView(APIView):
    """Endpoint favorites/check: GET returns which of the `ids` are favourites of the caller."""

    def get(self, request: Request) -> Response:
        wanted, favorites = asked_ids(request), Favorite.objects.filter(user_id=request.user.pk)
        shown = favorites.filter(post__state=SHOWN, post__author__is_active=True)
        kept = among(shown, "post_id", wanted)
        return Response({"results": {str(pk): pk in kept for pk in wanted}})


class CommentsView(APIView):
    """Endpoint posts/{id}/comments: GET returns a page of comments, POST adds one."""

    def get(self, request: Request, pk: int) -> Response:
        visible_post(request, pk)
        comments = Comment.objects.filter(post_id=pk, author__is_active=True).select_related("author")
        if hidden := hidden_from(request.user.pk):
            comments = comments.exclude(author_id__in=hidden)
        pages = Comments()
        shown = CommentSerializer(pages.paginate_queryset(comments, request), many=True).data
        return pages.get_paginated_response(shown)

    def post(self, request: Request, pk: int) -> Response:
        visible_post(request, pk)
        comment = CommentSerializer(data=request.data)
        comment.is_valid(raise_exception=True)
        with transaction.atomic():
            comment.save(author=request.user, post_id=pk)
            counts.add("post", pk, comments=1)
        return Response(comment.data, status.HTTP_201_CREATED)


class MarkView(APIView):
    """Endpoints posts/{id}/like and favorite: PUT adds a mark of the caller to a post."""

    model: ClassVar[type[Mark]] = Like
    counter = "likes"

    def put(self, request: Request, pk: int) -> Response:
        visible_post(request, pk)
        self._add(request.user.pk, pk)
        shown = marks(request.user.pk, [pk])
        flags = {name: pk in shown[name] for name in ("liked", "favorited")}
        return Response({"id": pk, "counts": shown["counts"][pk], **flags})

    @in_transaction
    def _add(self, user_id: int, post_id: int) -> None:
        if self.model.objects.get_or_create(user_id=user_id, post_id=post_id)[1]:
            counts.add("post", post_id, **{self.counter: 1})

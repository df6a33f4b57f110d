"""The shapes of what is answered about posts, for the schema alone."""

from rest_framework import serializers

from api.schema import page_of
from users.schemas.output import PublicUser


class PostCounts(serializers.Serializer):
    likes = serializers.IntegerField(min_value=0)
    comments = serializers.IntegerField(min_value=0)
    reposts = serializers.IntegerField(min_value=0)
    favorites = serializers.IntegerField(min_value=0)


class Marks(serializers.Serializer):
    """`liked` and `favorited` by the caller."""

    id = serializers.IntegerField(read_only=True)
    liked = serializers.BooleanField(read_only=True)
    favorited = serializers.BooleanField(read_only=True)
    counts = PostCounts(read_only=True)


class Post(serializers.Serializer):
    """`repost_of`: the id of another post; `liked` and `favorited` by the caller."""

    id = serializers.IntegerField(read_only=True)
    author = PublicUser(read_only=True)
    text = serializers.CharField(read_only=True)
    repost_of = serializers.IntegerField(allow_null=True, read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    counts = PostCounts(read_only=True)
    liked = serializers.BooleanField(read_only=True)
    favorited = serializers.BooleanField(read_only=True)


class PostsFound(serializers.Serializer):
    """`missing` names the ids of posts that are not there, or not for the caller."""

    results = Post(many=True, read_only=True)
    missing = serializers.ListField(child=serializers.IntegerField(), read_only=True)


class Comment(serializers.Serializer):
    """`post`: the id of the post."""

    id = serializers.IntegerField(read_only=True)
    post = serializers.IntegerField(read_only=True)
    author = PublicUser(read_only=True)
    text = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class FavoritesChecked(serializers.Serializer):
    """By id, whether the caller keeps the post."""

    results = serializers.DictField(child=serializers.BooleanField())


PostPage = page_of(Post, "PostPage")
CommentPage = page_of(Comment, "CommentPage")

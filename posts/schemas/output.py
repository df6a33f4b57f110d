"""The JSON shapes of answers about posts, for the OpenAPI schema only."""

from rest_framework import serializers

from api.schema import example, example_of, page_of
from users.schemas.output import PublicUser


class PostCounts(serializers.Serializer):
    """The number of likes, comments, reposts and favourites of a post."""

    likes = serializers.IntegerField(min_value=0)
    comments = serializers.IntegerField(min_value=0)
    reposts = serializers.IntegerField(min_value=0)
    favorites = serializers.IntegerField(min_value=0)


@example(
    {
        "id": 7,
        "liked": True,
        "favorited": False,
        "counts": {"likes": 4, "comments": 2, "reposts": 0, "favorites": 1},
    }
)
class Marks(serializers.Serializer):
    """The counts of a post; `liked` and `favorited` are the caller's own marks."""

    id = serializers.IntegerField(read_only=True)
    liked = serializers.BooleanField(read_only=True)
    favorited = serializers.BooleanField(read_only=True)
    counts = PostCounts(read_only=True)


@example(
    {
        **example_of(Marks),
        "author": example_of(PublicUser),
        "text": "Good morning!",
        "repost_of": None,
        "created_at": "2026-05-04T08:30:00.000000Z",
    }
)
class Post(Marks):
    """A post; `repost_of` is the id of the original, `liked` and `favorited` are the caller's own marks.

    `text` is empty for a repost without a text. `hidden` is there only if the staff has hidden the caller's post.
    """

    author = PublicUser(read_only=True)
    text = serializers.CharField(read_only=True)
    repost_of = serializers.IntegerField(allow_null=True, read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    hidden = serializers.BooleanField(required=False, help_text="True for a post of the caller's that is hidden.")


@example({"results": [example_of(Post)], "missing": [1, 2]})
class PostsFound(serializers.Serializer):
    """`missing` lists the ids of posts that do not exist, or that are hidden from the caller."""

    results = Post(many=True, read_only=True)
    missing = serializers.ListField(child=serializers.IntegerField(), read_only=True)


@example(
    {
        "id": 5,
        "post": 7,
        "author": example_of(PublicUser),
        "text": "Good morning to you, too.",
        "created_at": "2026-05-04T08:31:00.000000Z",
    }
)
class Comment(serializers.Serializer):
    """A comment; `post` is the id of its post."""

    id = serializers.IntegerField(read_only=True)
    post = serializers.IntegerField(read_only=True)
    author = PublicUser(read_only=True)
    text = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


@example({"results": {"3": True, "1": False, "2": False}})
class FavoritesChecked(serializers.Serializer):
    """By post id, whether the post is a favourite of the caller."""

    results = serializers.DictField(child=serializers.BooleanField())


PostPage = page_of(Post, "PostPage", "users/7/posts")
CommentPage = page_of(Comment, "CommentPage", "posts/7/comments")

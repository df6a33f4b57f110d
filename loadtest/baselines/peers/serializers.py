"""The documents of the API, by DRF's serializers. What many rows share is in `context`, read once for all of them."""

from typing import Any

from rest_framework import serializers

from loadtest.baselines.peers.models import Comment, Post, User

PUBLIC = (
    "id", "username", "nickname", "avatar", "bio", "gender", "country", "city", "language", "level", "is_vip",
    "created_at",
)  # fmt: skip


class UserSerializer(serializers.ModelSerializer):
    """The public fields of a user."""

    class Meta:
        model = User
        fields: tuple[str, ...] = PUBLIC


class OwnUserSerializer(serializers.ModelSerializer):
    """The fields of the caller's own user."""

    class Meta:
        model = User
        fields = (*PUBLIC, "email", "phone", "birthday")


class ProfileSerializer(UserSerializer):
    """A user with its state, and by `context` with its `counts` and the caller's `relationships`."""

    state = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()
    relationship = serializers.SerializerMethodField()

    class Meta(UserSerializer.Meta):
        fields = (*PUBLIC, "state", "counts", "relationship")

    def get_state(self, user: Any) -> Any:
        state = getattr(user, "state", None)
        if state is None:
            return {"id": user.pk, "status": "offline", "message": "", "last_seen_at": None}
        return {"id": user.pk, "status": state.status, "message": state.message, "last_seen_at": state.last_seen_at}

    def get_counts(self, user: Any) -> Any:
        return self.context["counts"][user.pk]

    def get_relationship(self, user: Any) -> Any:
        return self.context["relationships"][user.pk]


class PostSerializer(serializers.ModelSerializer):
    """A post; `context` has the `counts` of the posts, and the ids that the caller has `liked` and `favorited`."""

    author = UserSerializer()
    counts = serializers.SerializerMethodField()
    liked = serializers.SerializerMethodField()
    favorited = serializers.SerializerMethodField()

    class Meta:
        model = Post
        fields = ("id", "author", "text", "repost_of", "created_at", "counts", "liked", "favorited")

    def get_counts(self, post: Any) -> Any:
        return self.context["counts"][post.pk]

    def get_liked(self, post: Any) -> bool:
        return post.pk in self.context["liked"]

    def get_favorited(self, post: Any) -> bool:
        return post.pk in self.context["favorited"]


class CommentSerializer(serializers.ModelSerializer):
    """A comment with its author."""

    author = UserSerializer(read_only=True)

    class Meta:
        model = Comment
        fields = ("id", "post", "author", "text", "created_at")
        read_only_fields = ("id", "post", "created_at")


class ScoreSerializer(serializers.Serializer):
    """The body of a score."""

    score = serializers.IntegerField(min_value=1, max_value=10)


class EventSerializer(serializers.Serializer):
    """The body of an event of a popup."""

    claim = serializers.CharField()
    type = serializers.ChoiceField(("click", "dismiss"))

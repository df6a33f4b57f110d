"""The JSON shapes of answers about the social graph, for the OpenAPI schema only."""

from rest_framework import serializers

from api.schema import example, example_of
from users.projections import PUBLIC
from users.schemas.output import PublicUser, State


@example(
    {
        "id": 7,
        "following": True,
        "followed_by": False,
        "mutual": False,
        "blocking": False,
        "blocked_by": False,
    }
)
class Relationship(serializers.Serializer):
    """The caller's relationship to the user `id`; `mutual`: both follow each other."""

    id = serializers.IntegerField(read_only=True)
    following = serializers.BooleanField(read_only=True)
    followed_by = serializers.BooleanField(read_only=True)
    mutual = serializers.BooleanField(read_only=True)
    blocking = serializers.BooleanField(read_only=True)
    blocked_by = serializers.BooleanField(read_only=True)


@example({"results": [example_of(Relationship)], "missing": [1, 2]})
class Relationships(serializers.Serializer):
    """`missing` lists the unknown ids."""

    results = Relationship(many=True, read_only=True)
    missing = serializers.ListField(child=serializers.IntegerField(), read_only=True)


@example(
    {
        **example_of(PublicUser),
        "state": example_of(State),
        "counts": {"followers": 12, "following": 3, "posts": 1},
        "relationship": example_of(Relationship),
    }
)
class Profile(PublicUser):
    """A public user with state, counts and relationship; `counts` include users who are hidden from the caller."""

    state = State(read_only=True)
    counts = serializers.DictField(child=serializers.IntegerField(min_value=0), read_only=True)
    relationship = Relationship(read_only=True)

    class Meta(PublicUser.Meta):
        fields = read_only_fields = (*PUBLIC, "state", "counts", "relationship")


@example({"results": [example_of(Profile)], "missing": [1, 2]})
class ProfilesFound(serializers.Serializer):
    """`missing` lists the unknown ids."""

    results = Profile(many=True, read_only=True)
    missing = serializers.ListField(child=serializers.IntegerField(), read_only=True)

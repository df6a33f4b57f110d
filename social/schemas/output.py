"""The shapes of what is answered about the social graph, for the schema alone."""

from rest_framework import serializers

from users.projections import PUBLIC
from users.schemas.output import PublicUser, State


class Relationship(serializers.Serializer):
    """The caller's, to the user `id`; `mutual`: both follow each other."""

    id = serializers.IntegerField(read_only=True)
    following = serializers.BooleanField(read_only=True)
    followed_by = serializers.BooleanField(read_only=True)
    mutual = serializers.BooleanField(read_only=True)
    blocking = serializers.BooleanField(read_only=True)
    blocked_by = serializers.BooleanField(read_only=True)


class Relationships(serializers.Serializer):
    """`missing` names the unknown ids."""

    results = Relationship(many=True, read_only=True)
    missing = serializers.ListField(child=serializers.IntegerField(), read_only=True)


class Profile(PublicUser):
    """A public user and what the caller's screen shows beside; `counts` are edges, not what one viewer may see."""

    state = State(read_only=True)
    counts = serializers.DictField(child=serializers.IntegerField(min_value=0), read_only=True)
    relationship = Relationship(read_only=True)

    class Meta(PublicUser.Meta):
        fields = read_only_fields = (*PUBLIC, "state", "counts", "relationship")


class ProfilesFound(serializers.Serializer):
    """`missing` names the unknown ids."""

    results = Profile(many=True, read_only=True)
    missing = serializers.ListField(child=serializers.IntegerField(), read_only=True)

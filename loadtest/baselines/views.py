"""Views without the cache: the ORM, ModelSerializer, and DRF and simplejwt with their defaults.

Only the project's own defaults are undone; each view is written as the documentation of DRF shows.
"""

from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from rest_framework import generics, permissions, renderers, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication

from social.models import Block, Follow
from users.models import User

# The fields of the public user in the HTTP contract, in their order.
PUBLIC = (
    "id", "username", "nickname", "avatar", "bio", "gender", "country", "city", "language", "level", "is_vip",
    "created_at",
)  # fmt: skip


def empty(request: HttpRequest) -> HttpResponse:
    """Answer with an empty document: the cost of Django itself."""
    return HttpResponse(b"{}", content_type="application/json")


class UserSerializer(serializers.ModelSerializer):
    """The public fields of a user, serialized by a ModelSerializer."""

    class Meta:
        model = User
        fields = PUBLIC


class DefaultAPIView(APIView):
    """A view with the defaults of DRF and simplejwt instead of the project's."""

    authentication_classes = [JWTAuthentication]
    permission_classes = [permissions.IsAuthenticated]
    renderer_classes = [renderers.JSONRenderer]


class UserView(DefaultAPIView, generics.RetrieveAPIView):
    """Endpoint /baseline/users/{id}: GET returns a user, read by the ORM."""

    queryset = User.objects.all()
    serializer_class = UserSerializer


class UsersView(DefaultAPIView):
    """Endpoint /baseline/users: GET returns the users with the given `ids` by one query, and the missing ids."""

    def get(self, request: Request) -> Response:
        wanted = list(dict.fromkeys(map(int, request.query_params["ids"].split(","))))
        found = {user.pk: user for user in User.objects.filter(pk__in=wanted)}
        users = UserSerializer([found[pk] for pk in wanted if pk in found], many=True)
        return Response({"results": users.data, "missing": [pk for pk in wanted if pk not in found]})


class RelationshipSerializer(serializers.Serializer):
    """The caller's relationship to a user, from the columns that RelationshipsView annotates."""

    id = serializers.IntegerField(source="pk")
    following = serializers.BooleanField()
    followed_by = serializers.BooleanField()
    mutual = serializers.SerializerMethodField()
    blocking = serializers.BooleanField()
    blocked_by = serializers.BooleanField()

    def get_mutual(self, user: Any) -> bool:
        return user.following and user.followed_by


class RelationshipsView(DefaultAPIView):
    """Endpoint /baseline/relationships: GET returns the caller's relationships to the users with the given `ids`."""

    def get(self, request: Request) -> Response:
        """Answer by one query, with an EXISTS on the index of each kind of edge."""
        wanted, me = list(dict.fromkeys(map(int, request.query_params["ids"].split(",")))), request.user.pk
        people = User.objects.filter(pk__in=wanted).only("pk")
        found = {
            user.pk: user
            for user in people.annotate(
                following=Exists(Follow.objects.filter(follower_id=me, followee_id=OuterRef("pk"))),
                followed_by=Exists(Follow.objects.filter(follower_id=OuterRef("pk"), followee_id=me)),
                blocking=Exists(Block.objects.filter(blocker_id=me, blocked_id=OuterRef("pk"))),
                blocked_by=Exists(Block.objects.filter(blocker_id=OuterRef("pk"), blocked_id=me)),
            )
        }
        relationships = RelationshipSerializer([found[pk] for pk in wanted if pk in found], many=True)
        return Response({"results": relationships.data, "missing": [pk for pk in wanted if pk not in found]})

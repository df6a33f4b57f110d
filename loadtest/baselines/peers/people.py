"""Users, profiles, relationships, counters and follows."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loadtest.baselines.peers import counts
from loadtest.baselines.peers.cache import among, uncached
from loadtest.baselines.peers.models import Block, Follow, User
from loadtest.baselines.peers.repeats import in_transaction
from loadtest.baselines.peers.serializers import OwnUserSerializer, ProfileSerializer, UserSerializer


def asked_ids(request: Request) -> list[int]:
    """Return the ids of the parameter `ids`, each once."""
    return list(dict.fromkeys(map(int, request.query_params["ids"].split(","))))


def hidden_from(user_id: int) -> set[int]:
    """Return the users whom a block separates from a user."""
    pairs = Block.objects.filter(Q(blocker_id=user_id) | Q(blocked_id=user_id)).values_list("blocker_id", "blocked_id")
    return {other for pair in pairs for other in pair} - {user_id}


def relationships(user_id: int, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the relationships of a user to others."""
    following = among(Follow.objects.filter(follower_id=user_id), "followee_id", ids)
    followed_by = uncached(
        Follow.objects.filter(followee_id=user_id, follower_id__in=ids).values_list("follower_id", flat=True)
    )
    blocking = among(Block.objects.filter(blocker_id=user_id), "blocked_id", ids)
    blocked_by = among(Block.objects.filter(blocked_id=user_id), "blocker_id", ids)
    return {
        pk: {
            "id": pk,
            "following": pk in following,
            "followed_by": pk in followed_by,
            "mutual": pk in following and pk in followed_by,
            "blocking": pk in blocking,
            "blocked_by": pk in blocked_by,
        }
        for pk in ids
    }


def found(wanted: Sequence[int], results: Sequence[Any]) -> Response:
    """Answer with the documents that were found, in the order of the ids, and the missing ids."""
    by_id = {each["id"]: each for each in results}
    missing = [pk for pk in wanted if pk not in by_id]
    return Response({"results": [by_id[pk] for pk in wanted if pk in by_id], "missing": missing})


class OwnUserView(APIView):
    """Endpoint users/me: GET returns the caller's own user."""

    def get(self, request: Request) -> Response:
        return Response(OwnUserSerializer(request.user).data)


class UserView(APIView):
    """Endpoint users/{id}: GET returns a user."""

    def get(self, request: Request, pk: int) -> Response:
        user = get_object_or_404(User.objects.all(), pk=pk)
        return Response(UserSerializer(user).data)


class UsersView(APIView):
    """Endpoint users: GET returns the users with the given `ids`."""

    def get(self, request: Request) -> Response:
        wanted = asked_ids(request)
        users = uncached(User.objects.filter(pk__in=wanted, is_active=True))
        return found(wanted, UserSerializer(users, many=True).data)


class ProfilesView(APIView):
    """Endpoint users/profiles: GET returns users with states, counts and relationships."""

    def get(self, request: Request) -> Response:
        wanted = asked_ids(request)
        related = relationships(request.user.pk, wanted)
        seen = [pk for pk in wanted if not (related[pk]["blocking"] or related[pk]["blocked_by"])]
        users = uncached(User.objects.filter(pk__in=seen, is_active=True).select_related("state"))
        context = {"counts": counts.counts_of("user", seen), "relationships": related}
        return found(wanted, ProfileSerializer(users, many=True, context=context).data)


class RelationshipsView(APIView):
    """Endpoint relationships: GET returns the caller's relationships to the users with the given `ids`."""

    def get(self, request: Request) -> Response:
        wanted = asked_ids(request)
        existing = uncached(User.objects.filter(pk__in=wanted, is_active=True).values_list("pk", flat=True))
        return found(wanted, list(relationships(request.user.pk, existing).values()))


class CountersView(APIView):
    """Endpoint counters: GET returns the counters of the `targets`."""

    def get(self, request: Request) -> Response:
        targets = [target.partition(":") for target in request.query_params["targets"].split(",")]
        by_kind = {
            kind: counts.counts_of(kind, [int(pk) for each, _, pk in targets if each == kind])
            for kind in {kind for kind, _, _ in targets}
        }
        return Response({"results": {f"{kind}:{pk}": by_kind[kind][int(pk)] for kind, _, pk in targets}})


class FollowView(APIView):
    """Endpoint users/{id}/follow: PUT follows a user."""

    def put(self, request: Request, pk: int) -> Response:
        me = request.user.pk
        get_object_or_404(User.objects.all(), pk=pk)
        _follow(me, pk)
        return Response(relationships(me, [pk])[pk])


@in_transaction
def _follow(follower_id: int, followee_id: int) -> None:
    """Insert a follow, unless a block forbids it, and add to the counters of both users."""
    pair = (follower_id, followee_id)
    list(User.objects.filter(pk__in=pair).order_by("pk").select_for_update())  # no block meanwhile
    if followee_id in hidden_from(follower_id):
        raise PermissionDenied
    if Follow.objects.get_or_create(follower_id=follower_id, followee_id=followee_id)[1]:
        counts.add("user", follower_id, following=1)
        counts.add("user", followee_id, followers=1)

"""The next popup of a user, and events of popups."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db import transaction
from django.db.models import F
from django.http import Http404
from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loadtest.baselines.peers.models import Event, Popup, UserPopup
from loadtest.baselines.peers.serializers import EventSerializer

CHECK_AGAIN = timedelta(minutes=5)
PAST = {"click": ("clicked", "last_clicked_at"), "dismiss": ("dismissed", "last_dismissed_at")}


def is_due(popup: Any, seen: Any, now: datetime) -> bool:
    """Return whether a popup may be shown to a user who was last shown it as `seen` says."""
    if seen is None:
        return True
    clicked = seen.last_clicked_at
    return seen.last_shown_at + timedelta(hours=popup.reshow_hours) <= now and (
        clicked is None or clicked + timedelta(hours=popup.click_cooldown_hours) <= now
    )


class NextView(APIView):
    """Endpoint popups/next: GET returns the popup to show now, or null, and records the showing."""

    def get(self, request: Request) -> Response:
        placement, now = request.query_params["placement"], timezone.now()
        popups = Popup.objects.filter(placement=placement, is_active=True).order_by("-priority", "pk")
        seen = {
            each.popup_id: each
            for each in UserPopup.objects.filter(user_id=request.user.pk, popup_id__in=[popup.pk for popup in popups])
        }
        due = next((popup for popup in popups if is_due(popup, seen.get(popup.pk), now)), None)
        shown = due and self._show(request.user.pk, due, seen.get(due.pk), now)
        return Response({"popup": shown, "next_check_at": now + CHECK_AGAIN})

    def _show(self, user_id: int, popup: Any, seen: Any, now: datetime) -> dict[str, Any]:
        claim = secrets.token_hex(12)
        with transaction.atomic():
            record = seen or UserPopup(user_id=user_id, popup=popup)
            record.shown, record.last_claim, record.last_shown_at = record.shown + 1, claim, now
            record.save()
            record_event(claim, "shown", popup_id=popup.pk, user_id=user_id)
        fields = {name: getattr(popup, name) for name in ("id", "title", "body", "image", "link")}
        return {**fields, "claim": signing.dumps([claim, popup.pk, user_id])}


def record_event(claim: str, kind: str, **fields: int) -> None:
    """Insert an event."""
    Event.objects.create(claim=claim, type=kind, stream_id=f"peer-{claim}-{kind}", **fields)


class EventsView(APIView):
    """Endpoint popups/{id}/events: POST records a click or a dismissal, once."""

    def post(self, request: Request, pk: int) -> Response:
        body = EventSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        kind, me = body.validated_data["type"], request.user.pk
        try:
            claim, popup_id, user_id = signing.loads(body.validated_data["claim"])
        except signing.BadSignature:
            raise Http404 from None
        if (popup_id, user_id) != (pk, me):
            raise Http404
        if not Event.objects.filter(claim=claim, type=kind).exists():
            with transaction.atomic():
                record_event(claim, kind, popup_id=pk, user_id=me)
                times, at = PAST[kind]
                changes = {times: F(times) + 1, at: timezone.now()}
                UserPopup.objects.filter(user_id=me, popup_id=pk).update(**changes)
        return Response(status=status.HTTP_202_ACCEPTED)

"""Sessions of the staff do not stay in their table when they have expired."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

pytestmark = pytest.mark.django_db(transaction=True)


def test_expired_sessions_go(root):
    own = Session.objects.get().pk
    for number in range(3):
        Session.objects.create(pk=f"old{number}", session_data="", expire_date=timezone.now() - timedelta(days=number))
    call_command("sweep_removed", once=True, stdout=StringIO())
    assert Session.objects.get().pk == own
    assert root.get("/admin/").status_code == 200

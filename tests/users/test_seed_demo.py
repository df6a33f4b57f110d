"""Demo users: created once, also if the command is repeated."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from users.models import SearchTerm, User, UserState

pytestmark = pytest.mark.django_db(transaction=True)


def seed(**options) -> str:
    output = StringIO()
    call_command("seed_demo", stdout=output, **options)
    return output.getvalue()


def test_people_can_log_in_and_are_found(api):
    said = seed(users=300)
    assert "301 accounts added." in said
    assert "as admin" in said
    assert (User.objects.count(), UserState.objects.count()) == (301, 300)
    username = User.objects.order_by("pk")[1].username
    assert username in said
    token = api.post("auth/token", {"username": username, "password": "hotpath-demo"}).json["access"]
    assert api.get("users/search", by=token, query={"q": "小明"}).json["results"]
    assert api.get("users/search?q=smith", by=token).json["results"]
    assert User.objects.get(username="admin").is_superuser


def test_again_changes_nothing_and_more_adds_the_rest(api):
    seed(users=120)
    before = list(User.objects.order_by("pk").values())
    terms = SearchTerm.objects.count()
    assert "0 accounts added." in seed(users=120)
    assert list(User.objects.order_by("pk").values()) == before
    assert SearchTerm.objects.count() == terms
    assert "30 accounts added." in seed(users=150)
    assert list(User.objects.order_by("pk").values())[:121] == before


def test_a_negative_number_is_refused(db):
    with pytest.raises(CommandError, match="--users"):
        seed(users=-1)

import pytest

from tests.users.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


def test_register_log_in_and_read(api):
    created = api.post("users", {"username": "Ann.1", "password": PASSWORD, "nickname": "安"})
    assert created.status == 201
    assert created.json["username"] == "Ann.1"
    tokens = api.post("auth/token", {"username": "ann.1", "password": PASSWORD}).json
    assert set(tokens) == {"access", "refresh"}
    me = api.get("users/me", by=tokens["access"])
    assert me.json == created.json
    again = api.post("auth/token/refresh", {"refresh": tokens["refresh"]}).json
    assert api.get(f"users/{me.json['id']}", by=again["access"]).json["nickname"] == "安"

"""Who may see the operator's page, and that it shows how the servers and the jobs are."""

import re

import pytest
from django.test import Client

from binlog import requirements

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_cache_without_throttles")]
PAGE, NOW = "/admin/operations/", "/admin/operations/now"


@pytest.mark.parametrize("address", [PAGE, NOW])
def test_the_page_has_a_permission_of_its_own(log_in, root, address):
    assert Client().get(address).status_code == 302
    assert log_in().get(address).status_code == 403
    assert root.get(address).status_code == 200


def test_the_page_shows_servers_and_jobs(operator):
    page = operator.get(PAGE).content.decode()
    for text in ("Database", "Redis 127.0.0.1:", "memory", "evicted", "removals", "invalidations", "missing"):
        assert text in page
    assert "/admin/operations/" in operator.get("/admin/").content.decode()


def test_without_a_log_to_follow_nothing_is_amiss(operator):
    has_log = requirements.has_log("default")
    (row,) = re.findall(r"<tr><th[^>]*>Direct edits</th>.*?</tr>", operator.get(NOW).content.decode(), re.DOTALL)
    assert ("verdict good" in row) is not has_log
    assert "seen when entries expire" in row


def test_whoever_loses_the_permission_is_out(operator, django_user_model):
    assert operator.get(NOW).status_code == 200
    django_user_model.objects.get(username="olga").user_permissions.clear()
    assert operator.get(NOW).status_code == 403
    operator.post("/admin/logout/")
    assert operator.get(NOW).status_code == 302

"""Entries are dropped, warmed and reconciled: after a confirmation, by who may, in short steps, and written down."""

import re
import threading

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client

from caching.api import redis_client
from caching.operate import warm
from counters.models import Counter
from operations import actions, kinds
from social import services as social
from tests.support.cast import PASSWORD
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_cache_without_throttles")]
DO, LOG, PAGE = "/admin/operations/do", "/admin/operations/log", "/admin/operations/"


def exists(question) -> bool:
    return bool(redis_client().exists(question.key))


@pytest.fixture
def row(alice):
    (asked,) = kinds.understood(f"users.User {alice.pk}")
    warm(asked.question())
    return asked


def test_an_entry_is_dropped_and_warmed_after_a_confirmation(operator, row):
    form = {"words": str(row), "verb": "drop"}
    asked = operator.get(DO, form).content.decode()
    assert "The entry is deleted, unless a writer holds it." in asked
    assert exists(row.question())
    assert "Dropped." in operator.post(DO, form).content.decode()
    assert not exists(row.question())
    operator.post(DO, form | {"verb": "warm"})
    assert exists(row.question())
    done = LogEntry.objects.filter(user__username="olga").values_list("object_repr", "change_message").order_by("pk")
    assert [*done] == [(f"drop {row}", "Dropped."), (f"warm {row}", "Read, and filled if it was absent.")]


def test_the_page_of_an_entry_leads_to_what_can_be_done(operator, row, alice):
    page = operator.get(PAGE, {"words": str(row)}).content.decode()
    assert page.count(f"&amp;words=users.User%20{alice.pk}") == 2
    assert "reconcile" in operator.get(PAGE, {"words": f"user:{alice.pk}"}).content.decode()


def test_only_who_may_operate_acts_and_only_with_the_token_against_forged_requests(log_in, row):
    viewer = log_in("view_status")
    assert viewer.get(PAGE, {"words": str(row)}).status_code == 200
    for answer in (
        viewer.get(DO, {"words": str(row), "verb": "drop"}),
        viewer.post(DO, {"words": str(row), "verb": "drop"}),
    ):
        assert answer.status_code == 403
    User.objects.get(username="olga")
    User.objects.filter(username="olga").update(is_superuser=True)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = viewer.cookies
    assert strict.post(DO, {"words": str(row), "verb": "drop"}).status_code == 403
    assert exists(row.question())
    assert not LogEntry.objects.exists()


def test_a_drifted_counter_is_mended(operator, alice, bob):
    social.follow(follower_id=alice.pk, followee_id=bob.pk)
    Counter.objects.create(kind="user", target_id=bob.pk, name="followers", value=40)
    page = operator.post(DO, {"words": f"user:{bob.pk}", "verb": "reconcile"}).content.decode()
    assert f"Mended: user:{bob.pk} followers: showed 41, is 1 (-40)." in page
    assert (
        "Nothing had drifted." in operator.post(DO, {"words": f"user:{bob.pk}", "verb": "reconcile"}).content.decode()
    )


def run_to_its_end(browser, name) -> tuple[str, int]:
    """Send one step after the other, as the page does; return the last page, and the number of requests."""
    page, requests = browser.post(DO, {"many": name, "state": ""}).content.decode(), 1
    while state := re.search(r'name="state" value="([^"]+)"', page):
        page = browser.post(DO, {"many": name, "state": state[1]}).content.decode()
        requests += 1
    return page, requests


def test_many_rows_are_warmed_in_steps_and_written_down_once(operator, monkeypatch, password_hash):
    monkeypatch.setattr(actions, "STEP_S", 0)
    User.objects.bulk_create(User(username=f"user{number}", password=password_hash) for number in range(1_200))
    page, requests = run_to_its_end(operator, "warm the newest 10,000 of users.User")
    assert "Finished: 1,201 filled." in page
    assert requests == 3
    assert [*LogEntry.objects.values_list("change_message", flat=True)] == ["Finished: 1,201 filled."]
    assert "Finished: 0 filled." in run_to_its_end(operator, "warm the newest 10,000 of users.User")[0]


def test_all_counters_of_a_kind_are_reconciled_in_steps(operator, monkeypatch, alice):
    monkeypatch.setattr(actions, "STEP_S", 0)
    Counter.objects.bulk_create(
        Counter(kind="user", target_id=number, name="followers", value=7) for number in range(1, 2_201)
    )
    page, requests = run_to_its_end(operator, "reconcile all counters of user")
    assert "Finished: 2,200 mended." in page
    assert requests == 4
    assert "Finished: 0 mended." in run_to_its_end(operator, "reconcile all counters of user")[0]


def test_a_step_of_another_action_is_refused(operator, monkeypatch, alice, bob):
    monkeypatch.setattr(actions, "STEP_S", 0)
    page = operator.post(DO, {"many": "reconcile all counters of user"}).content.decode()
    Counter.objects.bulk_create(Counter(kind="user", target_id=n, name="followers", value=7) for n in range(1, 1_500))
    page = operator.post(DO, {"many": "reconcile all counters of user"}).content.decode()
    state = re.search(r'name="state" value="([^"]+)"', page)[1]
    for many, given in (("reconcile all counters of post", state), ("reconcile all counters of user", f"{state}x")):
        assert operator.post(DO, {"many": many, "state": given}).status_code == 400
    for unknown in (
        {"many": "drop everything"},
        {"words": "users.User 1", "verb": "reconcile"},
        {"words": "x y z w"},
        {},
    ):
        assert operator.get(DO, unknown).status_code == 404


def test_nothing_is_done_that_cannot_be_written_down(operator, row):
    with connection.schema_editor() as editor:
        editor.alter_db_table(LogEntry, "django_admin_log", "django_admin_log_away")
    try:
        page = operator.post(DO, {"words": str(row), "verb": "drop"})
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(LogEntry, "django_admin_log_away", "django_admin_log")
    assert "Not done:" in page.content.decode()
    assert exists(row.question())


def test_the_list_of_what_was_done_is_filtered(operator, root, row):
    operator.post(DO, {"words": str(row), "verb": "drop"})
    root.post(DO, {"words": str(row), "verb": "warm"})
    shown = operator.get(LOG).content.decode()
    assert f"drop {row}" in shown
    assert f"warm {row}" in shown
    assert f"drop {row}" not in operator.get(LOG, {"by": "root"}).content.decode()
    assert f"warm {row}" not in operator.get(LOG, {"of": "drop"}).content.decode()
    assert PASSWORD not in shown


def test_the_hottest_keys_are_sampled(operator, row, alice):
    stopped = threading.Event()

    def read() -> None:
        while not stopped.is_set():
            User.objects.get_one(alice.pk)
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        page = operator.post(DO, {"many": "sample the hottest keys"}).content.decode()
    finally:
        stopped.set()
        reader.join()
    assert f"users.User: {alice.pk} (" in page
    assert LogEntry.objects.get().object_repr == "sample the hottest keys"

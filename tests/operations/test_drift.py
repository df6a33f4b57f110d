"""The panel of drift: what the sampling check has compared and found, whichever process did it."""

import pytest

from caching.api import redis_client
from caching.operate import warm
from metrics import drift as findings
from operations import drift, kinds
from operations.sources import Answer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_cache_without_throttles")]
NOW = "/admin/operations/now"


def panel():
    return drift.panel(Answer(findings.read()))


def test_a_check_that_does_not_run_is_a_warning(monkeypatch):
    assert panel()[:2] == ("warning", "Nothing has been compared since yesterday: no worker runs the job sampling.")
    findings.add({"users.User": 2}, [])
    assert panel().verdict == "good"
    monkeypatch.setattr(drift, "SILENT_S", -1)
    assert panel().verdict == "warning"


def test_what_drifted_is_counted_and_leads_to_its_entry(operator, alice, bob):
    row, followed = (kinds.understood(words)[0] for words in (f"users.User {alice.pk}", f"following of {bob.pk}"))
    for _ in range(2):
        findings.add({"users.User": 3, "counters of user": 1}, [("users.User", row.question().key)])
    findings.add({}, [("social.following", followed.question().key), ("counters of user", f"user:{alice.pk}")])
    told = panel()
    assert told.verdict == "bad"
    assert told.text.startswith("4 of 8 differ since ")
    assert [(row.name, row.text, *row.cells) for row in told.kinds] == [
        ("counters of user", "1", "2"), ("social.following", "1", "0"), ("users.User", "2", "6"),
    ]  # fmt: skip
    assert [each.words for each in told.examples] == [f"user:{alice.pk}", str(followed), str(row), str(row)]
    warm(row.question())
    page = operator.get(NOW).content.decode()
    assert f"?words=user%3A{alice.pk}#entry" in page or f"?words=user:{alice.pk}#entry" in page
    assert "4 of 8 differ" in page


def test_what_is_kept_is_limited_and_expires():
    findings.add({}, [("users.User", f"no:such:{number}") for number in range(findings.EXAMPLES * 2)])
    told = panel()
    assert len(told.examples) == findings.EXAMPLES
    assert (told.examples[0].key, told.examples[0].words) == (f"no:such:{findings.EXAMPLES * 2 - 1}", "")
    keys = redis_client().keys("*:drift:*")
    assert len(keys) == 2
    assert all(redis_client().ttl(key) > 0 for key in keys)


def test_of_yesterday_is_told_too(monkeypatch):
    today = findings.time.time()
    monkeypatch.setattr(findings.time, "time", lambda: today - findings.DAY_S)
    findings.add({"users.User": 2}, [("users.User", "yesterday")])
    monkeypatch.setattr(findings.time, "time", lambda: today)
    findings.add({"users.User": 3}, [])
    told = findings.read()
    assert (told.compared, told.differing) == ({"users.User": 5}, {"users.User": 1})
    assert told.last_at == today

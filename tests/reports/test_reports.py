"""Reports over HTTP: who may report what, once each, and what becomes of them when somebody is deleted."""

import pytest
from django.core.management import call_command

from posts import removal, services
from posts.models import Post
from reports.models import Case, Report
from tests.support.budgets import budget
from users.models import User
from users.services import delete_user, set_active

pytestmark = pytest.mark.django_db(transaction=True)


def case_of(target) -> Case:
    return Case.objects.get(target_id=target.pk, author__username="alice")


@pytest.mark.parametrize("kind", ["post", "comment", "user"])
@pytest.mark.parametrize("reason", ["spam", "abuse", "illegal", "other"])
def test_reported(report, alice, bob, post, comment, kind, reason):
    target = {"post": post, "comment": comment, "user": alice}[kind]
    answer = report(bob, target, kind, reason=reason, text="Look at this,\r\nplease")
    assert answer.status == 201
    filed = Report.objects.select_related("case").get()
    assert answer.json == {"id": filed.pk}
    assert (filed.reporter_id, filed.get_reason_display(), filed.text) == (bob.pk, reason, "Look at this,\nplease")
    case = filed.case
    assert (case.get_kind_display(), case.target_id, case.author_id, case.state) == (
        kind, target.pk, alice.pk, Case.State.OPEN,
    )  # fmt: skip
    assert {each.label: count for each, count in case.by_reason.items()} == {reason: 1}


def test_repeated_it_is_the_same(report, api, bob, post):
    first = report(bob, post, text="Pills")
    again = report(bob, post, reason="abuse", text="Other")
    assert (first.status, again.status, again.json) == (201, 200, first.json)
    assert Report.objects.get().text == "Pills"
    removal.remove([post.pk])
    assert report(bob, post).json == first.json  # whose answer may have been lost


def test_the_reports_of_one_target_are_one_case(report, alice, bob, carol, sam, post):
    for by, reason in ((bob, "spam"), (carol, "illegal"), (sam, "spam")):
        assert report(by, post, reason=reason).status == 201
    case = Case.objects.get()
    newest, oldest = Report.objects.order_by("-pk").first(), Report.objects.order_by("pk").first()
    assert (case.reports, case.spam, case.illegal, case.get_gravest_display()) == (3, 2, 1, "illegal")
    assert (case.first_at, case.last_at) == (oldest.created_at, newest.created_at)


def test_what_cannot_be_seen_is_404(report, api, alice, bob, dora, post, comment):
    for kind in ("post", "comment", "user"):
        answer = api.post("reports", {"kind": kind, "id": 99999999, "reason": "spam"}, by=bob)
        assert (answer.status, answer.json["detail"]) == (404, f"There is no such {kind}.")
    assert report(bob, dora, "user").status == 404
    Post.objects.filter(pk=post.pk).update(state=Post.State.HIDDEN)
    assert report(bob, post).status == 404
    set_active([alice.pk], active=False)
    assert [report(bob, comment, "comment").status, report(bob, alice, "user").status] == [404, 404]
    assert not Case.objects.exists()


def test_a_comment_on_a_post_that_cannot_be_seen_is_404(report, alice, bob, carol, comment):
    Post.objects.filter(author=carol).update(state=Post.State.HIDDEN)
    assert report(bob, comment, "comment").status == 404


def test_across_a_block(report, block, alice, bob, carol, post, comment):
    """Who is blocked sees no posts, but may report the account; an own block hides nothing from a report."""
    block(alice, bob)
    assert [report(bob, post).status, report(bob, comment, "comment").status] == [404, 404]
    assert report(bob, alice, "user").status == 201
    services.publish(author_id=bob.pk, text="Hm")
    theirs = Post.objects.get(author=bob)
    assert report(alice, theirs).status == 201
    assert report(alice, bob, "user").status == 201
    block(alice, carol)  # whose post it is under which alice has written
    assert report(carol, comment, "comment").status == 201


@pytest.mark.parametrize("kind", ["post", "comment", "user"])
def test_what_is_one_s_own_is_refused(report, alice, post, comment, kind):
    answer = report(alice, {"post": post, "comment": comment, "user": alice}[kind], kind)
    assert (answer.status, answer.json["code"]) == (400, "self")


@pytest.mark.parametrize(("field", "value"), [
    ("kind", "Post"), ("kind", 1), ("kind", None), ("kind", ""), ("kind", ["post"]), ("id", 0), ("id", -1), ("id", "1"),
    ("id", 2**63), ("id", True), ("id", 1.0), ("reason", "boring"), ("reason", ""), ("reason", 2), ("text", "x" * 1001),
    ("text", 7), ("text", None), ("text", "\0"), ("text", "\u200b"), ("more", 1),
])  # fmt: skip
def test_bad_input_is_400(api, bob, post, field, value):
    answer = api.post("reports", {"kind": "post", "id": post.pk, "reason": "spam", field: value}, by=bob)
    assert answer.status == 400
    assert list(answer.json["errors"]) == [field]
    assert not Report.objects.exists()


def test_what_is_missing_is_400(api, bob):
    assert set(api.post("reports", {}, by=bob).json["errors"]) == {"kind", "id", "reason"}
    assert api.post("reports", [], by=bob).status == 400
    assert api.get("reports", by=bob).status == 405


def test_it_is_throttled(api, report, settings, bob, alice, post):
    settings.THROTTLES = {"report": (0.01, 2)}
    assert [report(bob, post).status for _ in range(3)] == [201, 200, 429]
    assert report(alice, bob, "user").status == 201


def test_budget(api, report, throttled, bob, post, comment):
    report(bob, comment, "comment"), api.get(f"posts/{post.pk}", by=bob)  # warm
    with budget(sql=8, round_trips=3, commands=5):
        assert report(bob, post).status == 201
    with budget(sql=1, round_trips=1, commands=2):
        assert report(bob, post).status == 200


def test_a_deleted_reporter_leaves_the_report_without_name_and_words(report, alice, bob, post):
    report(bob, post, text="My neighbour")
    list(delete_user(bob.pk))
    filed = Report.objects.get()
    assert (filed.reporter_id, filed.text, filed.get_reason_display()) == (None, "", "spam")
    assert (Case.objects.get().reports, Case.objects.get().state) == (1, Case.State.OPEN)


def test_the_export_has_the_own_reports(api, report, alice, bob, post, comment):
    report(bob, post, text="Pills"), report(bob, comment, "comment", reason="abuse"), report(alice, bob, "user")
    export = api.get("users/me/export", by=bob)
    assert export.bytes.count(b'"reports":') == 1
    found = export.json["reports"]
    assert [(each["kind"], each["target"], each["reason"], each["text"]) for each in found] == [
        ("post", post.pk, "spam", "Pills"),
        ("comment", comment.pk, "abuse", ""),
    ]


def test_a_deleted_author_takes_the_cases_along(report, alice, bob, carol, post, comment):
    for by in (bob, carol):
        report(by, post), report(by, comment, "comment"), report(by, alice, "user")
    report(alice, bob, "user")
    assert Report.objects.count() == 7
    list(delete_user(alice.pk))
    assert [(case.target_id, case.reports) for case in Case.objects.all()] == [(bob.pk, 1)]
    assert Report.objects.get().reporter_id is None


def test_a_deleted_post_leaves_the_case(report, alice, bob, post):
    report(bob, post)
    services.delete_post(post_id=post.pk, by=alice.pk)
    assert (Case.objects.get().state, Case.objects.get().author_id) == (Case.State.OPEN, alice.pk)


def test_an_author_deleted_while_the_report_is_filed(report, alice, bob, post, monkeypatch):
    def deleted_meanwhile(*args):
        list(delete_user(alice.pk))
        return alice.pk

    monkeypatch.setattr("reports.targets.author_of", deleted_meanwhile)
    assert report(bob, post).status == 404
    assert not Case.objects.exists()


def test_a_reporter_deleted_while_the_report_is_filed(report, alice, bob, post, monkeypatch):
    def deleted_meanwhile(*args):
        User.objects.filter(pk=bob.pk).delete()
        return alice.pk

    monkeypatch.setattr("reports.targets.author_of", deleted_meanwhile)
    assert report(bob, post).json["code"] == "user_inactive"
    assert not Report.objects.exists()


def test_migrations_go_back_and_forth():
    try:
        call_command("migrate", "reports", "zero", verbosity=0)
    finally:
        call_command("migrate", "reports", verbosity=0)
    assert not Case.objects.exists()

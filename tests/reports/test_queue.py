"""The queue of reports in the admin: its order, its actions, who may take them, and what stands in their way."""

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from posts import removal, services
from posts.models import Comment, Post
from reports.models import Case, Kind, Reason, Report
from reports.services import file_report
from tests.support.admin_actions import run_action
from users.models import User
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE, REPORTS = "/admin/reports/case/", "/admin/reports/report/"


@pytest.fixture
def case_of(bob):
    """case_of(target, *reasons): report a target, by bob and others, for these reasons; returns its case."""

    def case_of(target, *reasons, by=None):
        kind = {Post: Kind.POST, Comment: Kind.COMMENT, User: Kind.USER}[type(target)]
        about = {"kind": kind, "target_id": target.pk, "author_id": getattr(target, "author_id", target.pk)}
        people = [by or bob, *User.objects.filter(username__startswith="reader_")]
        for person, reason in zip(people, reasons or (Reason.SPAM,), strict=False):
            file_report(reporter_id=person.pk, reason=reason, text="Look", **about)
        return Case.objects.get(kind=kind, target_id=target.pk)

    return case_of


@pytest.fixture
def log_in(new_user):
    """log_in(username, *permissions): a browser in which a member of the staff is logged in."""

    def log_in(username, *permissions, **columns):
        user = new_user(username, **{"is_staff": True, **columns})
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        client.user = user
        return client

    return log_in


@pytest.fixture
def mona(log_in):
    return log_in("mona", "view_case", "decide_case")


def listed(browser, **query) -> list[int]:
    return [case.pk for case in browser.get(QUEUE, query).context["cl"].result_list]


def entries() -> set[tuple]:
    found = LogEntry.objects.select_related("user", "content_type")
    return {(each.user.username, each.content_type.model, each.object_id, each.action_flag) for each in found}


def test_open_ones_first_then_the_gravest_then_the_newest(mona, alice, bob, new_user, post, comment, case_of):
    new_user("reader_1")
    old, grave = case_of(comment, Reason.SPAM), case_of(post, Reason.SPAM, Reason.ILLEGAL)
    newest, decided = case_of(alice, Reason.SPAM), case_of(bob, Reason.ILLEGAL, by=alice)
    run_action(mona, QUEUE, "dismiss", decided)
    assert listed(mona) == [grave.pk, newest.pk, old.pk, decided.pk]
    assert listed(mona, state=1) == [grave.pk, newest.pk, old.pk]
    assert listed(mona, state=0) == [decided.pk]
    assert listed(mona, gravest=4) == [grave.pk, decided.pk]
    assert listed(mona, kind=Kind.COMMENT.value) == [old.pk]
    assert listed(mona, author=bob.pk) == listed(mona, q="bob") == [decided.pk]
    assert grave.pk in listed(mona, q=str(post.pk))
    assert listed(mona, q="nobody") == []


def test_a_line_shows_the_target_the_reports_and_the_decision(mona, alice, new_user, post, comment, case_of):
    new_user("reader_1"), new_user("reader_2")
    case_of(post, Reason.SPAM, Reason.ILLEGAL, Reason.SPAM), case_of(comment), case_of(alice)
    services.like(user_id=alice.pk, post_id=post.pk)
    page = mona.get(QUEUE).content.decode()
    for text in ("Buy my pills", "You fool", "Alice 小明", "1 illegal, 2 spam", "likes: 1", "posts: 1", "<b>shown</b>"):
        assert text in page, text
    assert f'<a href="/admin/users/user/{alice.pk}/change/">alice</a>' in page
    assert f'<a href="/admin/posts/post/{post.pk}/change/">post {post.pk}</a>' in page


def test_the_page_of_a_target_lists_its_reports(mona, bob, post, case_of):
    case = case_of(post)
    page = mona.get(f"{QUEUE}{case.pk}/change/").content.decode()
    for text in ("Buy my pills", "Look", ">bob</a>", "Hide the post", 'value="dismiss"', 'value="deactivate"'):
        assert text in page, text


def test_the_list_of_single_reports(root, bob, post, comment, case_of):
    case_of(post), case_of(comment)
    for query in ({"case": Case.objects.get(target_id=post.pk, kind=Kind.POST).pk}, {"reporter": bob.pk}, {"q": "bob"}):
        found = {each.case.target_id for each in root.get(REPORTS, query).context["cl"].result_list}
        assert found == ({post.pk} if "case" in query else {post.pk, comment.pk})


@pytest.mark.parametrize("kind", ["post", "comment", "user"])
def test_dismissed(mona, alice, post, comment, case_of, kind):
    case = case_of({"post": post, "comment": comment, "user": alice}[kind])
    assert "1 target dismissed." in run_action(mona, QUEUE, "dismiss", case)
    case.refresh_from_db()
    assert (case.state, case.get_decision_display(), case.decided_by) == (Case.State.CLOSED, "dismissed", mona.user)
    assert entries() == {("mona", "case", str(case.pk), CHANGE)}


def test_hidden(api, mona, bob, post, comment, case_of):
    case = case_of(post)
    assert "1 target hidden." in run_action(mona, QUEUE, "hide", case)
    assert api.get(f"posts/{post.pk}", by=bob).status == 404
    assert entries() == {("mona", "case", str(case.pk), CHANGE), ("mona", "post", str(post.pk), CHANGE)}
    assert f"The comment {comment.pk} cannot be hidden" in run_action(mona, QUEUE, "hide", case_of(comment))


def delete(browser, *cases):
    page = run_action(browser, QUEUE, "delete", *cases)
    assert "This cannot be taken back." in page
    chosen = {"action": "delete", "_selected_action": [case.pk for case in cases], "post": "yes"}
    return page, browser.post(QUEUE, chosen, follow=True).content.decode()


@pytest.mark.parametrize("kind", ["post", "comment", "user"])
def test_deleted_after_a_page_that_says_what_goes_along(api, mona, alice, bob, post, comment, case_of, kind):
    services.like(user_id=bob.pk, post_id=post.pk)
    target = {"post": post, "comment": comment, "user": alice}[kind]
    case = case_of(target)
    page, answer = delete(mona, case)
    assert {"post": "Likes (posts): 1", "user": "Posts (users): 1"}.get(kind, "You fool") in page
    assert "1 target deleted." in answer
    assert not type(target).objects.filter(pk=target.pk).exists()
    assert entries() == {("mona", "case", str(case.pk), CHANGE), ("mona", kind, str(target.pk), DELETION)}
    if kind != "comment":
        assert api.get(f"{kind}s/{target.pk}", by=bob).status == 404


@pytest.mark.parametrize("kind", ["post", "comment", "user"])
def test_deactivated(api, mona, alice, post, comment, case_of, kind):
    case = case_of({"post": post, "comment": comment, "user": alice}[kind])
    assert api.get("users/me", by=alice).status == 200
    assert "1 target closed, with the author deactivated." in run_action(mona, QUEUE, "deactivate", case)
    assert api.get("users/me", by=alice).json["code"] == "user_inactive"
    assert entries() == {("mona", "case", str(case.pk), CHANGE), ("mona", "user", str(alice.pk), CHANGE)}


def test_reported_again_it_is_open_again(mona, carol, post, case_of):
    case = case_of(post)
    run_action(mona, QUEUE, "dismiss", case)
    case_of(post)  # by bob once more, who has nothing new to say
    assert Case.objects.get().state == Case.State.CLOSED
    case_of(post, by=carol)
    assert Case.objects.get().state == Case.State.OPEN
    assert "open again; before: dismissed by mona" in mona.get(QUEUE).content.decode()


@pytest.mark.parametrize("action", ["dismiss", "hide", "delete", "deactivate"])
def test_decided_by_somebody_else_meanwhile(log_in, mona, alice, post, case_of, action):
    moe, case = log_in("moe", "view_case", "decide_case"), case_of(post)
    run_action(moe, QUEUE, "dismiss", case)
    before = LogEntry.objects.count()
    chosen = {"action": action, "_selected_action": [case.pk], "post": "yes"}
    page = mona.post(QUEUE, chosen, follow=True).content.decode()
    assert f"The post {post.pk} was decided already by moe: dismissed." in page
    assert (Post.objects.get(pk=post.pk).state, User.objects.get(pk=alice.pk).is_active) == (Post.State.SHOWN, True)
    assert LogEntry.objects.count() == before


def test_a_target_that_is_deleted_meanwhile(mona, alice, post, comment, case_of):
    cases = [case_of(post), case_of(comment)]
    removal.remove([post.pk])
    comment.delete()
    assert mona.get(QUEUE).content.decode().count("deleted meanwhile") == 2
    assert mona.get(f"{QUEUE}{cases[0].pk}/change/").status_code == 200
    page = run_action(mona, QUEUE, "hide", cases[0])
    assert f"The post {post.pk} was deleted meanwhile: dismiss the reports, or deactivate its author." in page
    _, page = delete(mona, *cases)
    assert page.count("was deleted meanwhile: dismiss") == 2
    assert "2 targets dismissed." in run_action(mona, QUEUE, "dismiss", *cases)


def test_a_post_that_is_being_deleted(mona, post, case_of):
    case = case_of(post)
    removal.mark(post.pk)
    assert "being deleted" in mona.get(QUEUE).content.decode()
    assert "was deleted meanwhile" in run_action(mona, QUEUE, "hide", case)
    assert Post.objects.get(pk=post.pk).state == Post.State.REMOVED


def test_an_author_who_is_deleted_meanwhile_takes_the_case_along(mona, alice, post, case_of, monkeypatch):
    case = case_of(post)
    list(delete_user(alice.pk))
    page = run_action(mona, QUEUE, "hide", case)
    assert "The selected targets are in the queue no longer; nothing was changed." in page
    assert mona.get(f"{QUEUE}{case.pk}/change/").status_code == 302


def test_some_of_the_selected_are_decided_the_others_named(mona, post, comment, case_of):
    page = run_action(mona, QUEUE, "hide", case_of(post), case_of(comment))
    assert "1 target hidden." in page
    assert f"The comment {comment.pk} cannot be hidden: only posts can." in page


@pytest.mark.parametrize("above", ["sam", "boss"])
def test_ranks(mona, new_user, sam, case_of, above):
    boss = new_user("boss", is_staff=True, is_superuser=True)
    user = {"sam": sam, "boss": boss}[above]
    theirs = services.publish(author_id=user.pk, text="Hello")
    for case in (case_of(user), case_of(theirs)):
        assert f"You may not manage {above}" in run_action(mona, QUEUE, "deactivate", case)
    _, page = delete(mona, case_of(user))
    assert f"You may not manage {above}" in page
    assert User.objects.get(pk=user.pk).is_active
    assert not LogEntry.objects.exists()


def test_nobody_decides_about_themselves(mona, case_of):
    case = case_of(mona.user)
    for action in ("dismiss", "deactivate"):
        assert "is your own: somebody else has to decide." in run_action(mona, QUEUE, action, case)
    assert Case.objects.get().state == Case.State.OPEN


def test_permissions_of_its_own(log_in, post, case_of):
    nobody, reader, case = log_in("nobody"), log_in("reader", "view_case", "view_report"), case_of(post)
    assert nobody.get(QUEUE).status_code == nobody.get(REPORTS).status_code == 403
    assert reader.get(QUEUE).status_code == reader.get(REPORTS).status_code == 200
    page = reader.get(f"{QUEUE}{case.pk}/change/").content.decode()
    assert 'value="dismiss"' not in page
    for action in ("dismiss", "hide", "delete", "deactivate"):
        for browser in (nobody, reader):
            browser.post(QUEUE, {"action": action, "_selected_action": [case.pk], "post": "yes"})
    assert Case.objects.get().state == Case.State.OPEN
    assert Post.objects.get(pk=post.pk).state == Post.State.SHOWN


def test_nothing_is_added_changed_or_deleted_by_a_form(root, post, case_of):
    case, report = case_of(post), Report.objects.get()
    for address in (f"{QUEUE}add/", f"{REPORTS}add/", f"{QUEUE}{case.pk}/delete/", f"{REPORTS}{report.pk}/delete/"):
        assert root.get(address).status_code == 403
    assert root.post(f"{QUEUE}{case.pk}/change/", {"state": 0}).status_code == 403
    assert root.get(f"{REPORTS}{report.pk}/change/").status_code == 200


def test_queries_do_not_grow_with_the_queue(root, alice, new_user, post, comment, case_of):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert root.get(QUEUE).status_code == 200
        return [query["sql"] for query in captured]

    case_of(post), case_of(comment), case_of(alice)
    queries()
    few = queries()
    for number in range(10):
        author = new_user(f"author_{number}")
        theirs = services.publish(author_id=author.pk, text="Hello")
        case_of(theirs), case_of(author)
        case_of(services.comment(post_id=theirs.pk, author_id=author.pk, text="Hi"))
    queries()
    many = queries()
    assert len(many) == len(few)
    assert all("LIMIT 10001" in sql for sql in many if "COUNT(" in sql and "reports_" in sql)
    assert not any("reports_report" in sql or "JOIN" in sql for sql in many if "reports_" in sql)


@pytest.mark.services
@pytest.mark.parametrize(("query", "index"), [
    ({}, "reports_case_queue"), ({"state": 1}, "reports_case_queue"), ({"kind": 1}, "reports_case_kind"),
    ({"gravest": 4}, "reports_case_gravest"),
])  # fmt: skip
def test_a_page_is_read_in_the_order_of_an_index(root, alice, query, index):
    """A join with the authors would begin with them, and sort all cases."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reports_case (kind, target_id, author_id, state, other, spam, abuse, illegal, gravest, "
            "first_at, last_at, decision) SELECT 1 + seq MOD 3, seq, %s, seq MOD 2, 0, 1, 0, 0, 1 + seq DIV 5000, "
            "NOW(6), NOW(6) + INTERVAL seq MICROSECOND, 0 FROM seq_1_to_19999",
            [alice.pk],
        )
        cursor.execute("ANALYZE TABLE reports_case")
        cursor.fetchall()
    with CaptureQueriesContext(connection) as captured:
        assert root.get(QUEUE, query).status_code == 200
    (sql,) = (each["sql"] for each in captured if "FROM `reports_case`" in each["sql"] and "ORDER BY" in each["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        (plan,) = (line for line in cursor.fetchall() if line[2] == "reports_case")
    assert index in plan, plan
    assert "filesort" not in plan[-1], plan

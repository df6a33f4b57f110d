"""Reports and decisions at once, by threads that start together."""

from functools import partial

import pytest

from posts.models import Post
from reports import decisions, services
from reports.models import Case, Kind, Reason, Report
from tests.support.api_client import ApiClient
from tests.support.threads import in_parallel
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 3


def file_report(user, post):
    return services.file_report(
        reporter_id=user.pk, kind=Kind.POST, target_id=post.pk, author_id=post.author_id, reason=Reason.SPAM
    )


def test_one_caller_fifty_times_at_once_is_one_report(bob, post):
    answers = in_parallel(*[partial(file_report, bob, post)] * 50)
    assert len({pk for pk, _ in answers}) == 1
    assert sorted(is_new for _, is_new in answers) == [False] * 49 + [True]
    assert (Report.objects.count(), Case.objects.get().reports) == (1, 1)


def test_many_callers_at_once_are_counted_exactly(new_user, post):
    people = [new_user(f"reader_{number}") for number in range(10)]
    for done in range(1, ROUNDS + 1):
        post = Post.objects.create_one(author_id=post.author_id, text="Again")
        answers = in_parallel(*(partial(file_report, person, post) for person in people for _ in range(2)))
        assert sum(is_new for _, is_new in answers) == len(people)
        assert Case.objects.count() == done
        assert Case.objects.get(target_id=post.pk).reports == len(people)


def test_with_idempotency_keys_at_once(new_user, post):
    """The handler runs within the transaction of the key, and so does the creation of the case."""
    people = [new_user(f"reader_{number}") for number in range(8)]
    body = {"kind": "post", "id": post.pk, "reason": "abuse"}

    def send(person):
        return ApiClient().post("reports", body, by=person, headers={"idempotency-key": "mine"})

    answers = in_parallel(*(partial(send, person) for person in people for _ in range(3)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert (Report.objects.count(), Case.objects.get().reports) == (len(people), len(people))
    assert len({answer.json["id"] for answer in answers if answer.status == 201}) == len(people)


def test_of_two_decisions_one_is_made(new_user, bob, post):
    moderators = [new_user(name, is_staff=True) for name in ("mona", "moe")]
    kinds = (Case.Decision.DISMISSED, Case.Decision.HIDDEN, Case.Decision.DELETED)

    def decide(case, decision, by):
        try:
            decisions.decide(case.pk, decision, by=by)
        except decisions.Refused as refusal:
            return str(refusal)
        return decision

    for _ in range(ROUNDS):
        post = Post.objects.create_one(author_id=post.author_id, text="Again")
        file_report(bob, post)
        case = Case.objects.get(target_id=post.pk)
        answers = in_parallel(*(partial(decide, case, kind, by) for kind in kinds for by in moderators))
        made, *more = [each for each in answers if isinstance(each, Case.Decision)]
        assert not more
        case.refresh_from_db()
        assert (case.state, case.decision) == (Case.State.CLOSED, made)
        said = {each for each in answers if isinstance(each, str)}
        assert said == {f"The post {post.pk} was decided already by {case.decided_by}: {made.label}."}
        state = Post.objects.filter(pk=post.pk).values_list("state", flat=True).first()
        expected = {Case.Decision.HIDDEN: Post.State.HIDDEN, Case.Decision.DISMISSED: Post.State.SHOWN}
        assert state == expected.get(made)


def test_a_report_meets_a_decision(new_user, bob, carol, post):
    """Whatever comes first, a report that the decision did not know leaves the case open."""
    moderator = new_user("mona", is_staff=True)
    for _ in range(ROUNDS):
        post = Post.objects.create_one(author_id=post.author_id, text="Again")
        file_report(bob, post)
        case = Case.objects.get(target_id=post.pk)
        in_parallel(
            partial(file_report, carol, post),
            partial(decisions.decide, case.pk, Case.Decision.DISMISSED, by=User.objects.get(pk=moderator.pk)),
        )
        case.refresh_from_db()
        assert case.reports == 2
        assert (case.state == Case.State.OPEN) == (case.last_at > case.decided_at)

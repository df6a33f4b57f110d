"""A decision that is cut short is made with its entries in the log, or not at all; what is left of it is swept."""

import pytest
from django.contrib.admin.models import LogEntry

from jobs import deletion
from posts import services
from posts.models import Like, Post
from reports.models import Case, Kind, Reason
from reports.services import file_report
from tests.reports.processes import decide_and_die
from tests.support.forkserver import run_until_killed
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", [Kind.POST, Kind.USER])
def test_a_deletion_is_cut_short(api, alice, bob, carol, sam, post, kind, when):
    services.like(user_id=carol.pk, post_id=post.pk)
    target = {Kind.POST: post, Kind.USER: alice}[kind]
    file_report(reporter_id=bob.pk, kind=kind, target_id=target.pk, author_id=alice.pk, reason=Reason.SPAM)
    case = Case.objects.get()
    run_until_killed(decide_and_die, case.pk, Case.Decision.DELETED, sam.pk, when)
    case.refresh_from_db()
    address = {Kind.POST: f"posts/{post.pk}", Kind.USER: f"users/{alice.pk}"}[kind]
    status = api.get(address, by=bob).status
    if when == "before":
        assert (case.state, status, LogEntry.objects.count()) == (Case.State.OPEN, 200, 0)
        return
    assert (case.state, status, LogEntry.objects.count()) == (Case.State.CLOSED, 404, 2)
    deletion.finish()  # what `sweep_removed` does
    assert not Like.objects.exists()
    assert not Post.objects.filter(pk=post.pk).exists()
    assert User.objects.filter(pk=alice.pk).exists() == (kind == Kind.POST)

"""Behaviours 24 and 25 for posts: counters equal the rows with many processes and after killed removals."""

import pytest
from django.conf import settings
from django.core.management import call_command

from counters import rollup
from posts import removal, services
from posts.models import Comment, Favorite, Like, Post, Removal
from tests.posts.processes import die_at, leave, mark, remove, sweep, toggle
from tests.posts.settled import ZEROS, assert_settled, drifts, post_counts
from tests.support.forkserver import run_in_processes, run_until_killed

pytestmark = pytest.mark.django_db(transaction=True)
PROCESSES, TIMES = 8, 100 if settings.SERVICES else 25
# Commits of the removal of the story's post: the mark, three chunks of each of three tables, the repost, the post.
MARKED, IN_THE_MIDDLE, REPOSTS_LET_GO, GONE = 1, 5, 11, 12


def test_eight_processes_and_one_post(new_user, post):
    ids = [new_user(f"fan_{number}").pk for number in range(5)]
    assert (
        sum(run_in_processes(*[(toggle, ids, post.pk, TIMES, seed) for seed in range(PROCESSES)]))
        == Like.objects.count()
    )
    assert drifts() == []
    rollup.roll_up_all()
    assert post_counts(post) == [{**ZEROS, "likes": Like.objects.count()}]


def test_posts_that_end_while_processes_make_much_of_them(alice, new_user, write):
    """Every answer is a success or 404: there is no deadlock, and no row is left."""
    ids = [new_user(f"fan_{number}").pk for number in range(6)]
    post_ids = [write(alice).pk for _ in range(20 if settings.SERVICES else 5)]
    marking = [(mark, ids, post_ids, seed) for seed in range(4)]
    *marked, removed, _ = run_in_processes(*marking, (remove, alice.pk, post_ids, 0.3), (sweep, post_ids))
    for answers in marked:
        assert answers.keys() <= {"200", "201", "404"}, answers
        assert answers["404"] == len(post_ids)
    assert removed == {"204": 2 * len(post_ids)}
    assert not any(model.objects.exists() for model in (Like, Favorite, Comment, Removal))
    assert not Post.objects.exclude(repost_of=None).exists()
    assert drifts() == []


def test_people_who_leave_while_they_write_and_are_written_to(alice, new_user, write):
    ids = [new_user(f"fan_{number}").pk for number in range(8)]
    post_ids = [write(alice).pk for _ in range(5)]
    marking = [(mark, ids, post_ids, seed) for seed in range(4)]
    *marked, _ = run_in_processes(*marking, (leave, [*ids[:4], alice.pk], 0.5))
    for answers in marked:
        assert answers.keys() <= {"200", "201", "401", "404"}, answers
    assert any("401" in answers for answers in marked)
    assert not any(model.objects.exists() for model in (Like, Favorite, Removal))
    assert not Post.objects.filter(author_id__in=[*ids[:4], alice.pk]).exists()
    assert drifts() == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commits", [MARKED, IN_THE_MIDDLE, REPOSTS_LET_GO, GONE])
def test_a_removal_that_is_killed(api, alice, bob, story, fans, commits, when):
    post = story[1]
    api.get(f"users/{alice.pk}/posts", by=bob)
    run_until_killed(die_at, "remove", post.pk, commits, when)
    assert drifts() == []
    is_marked = (commits, when) != (MARKED, "before")
    assert api.get(f"posts/{post.pk}", by=bob).status == (404 if is_marked else 200)
    assert len(api.get(f"users/{alice.pk}/posts", by=bob).json["results"]) == (not is_marked)
    if not is_marked:
        services.delete_post(post_id=post.pk, by=alice.pk)
    call_command("sweep_removed", once=True)
    rollup.roll_up_all()
    assert_settled(story)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commits", [IN_THE_MIDDLE, GONE - MARKED])
def test_a_sweep_that_is_killed(story, fans, commits, when):
    removal.mark(story[1].pk)
    run_until_killed(die_at, "sweep", story[1].pk, commits, when)
    assert drifts() == []
    call_command("sweep_removed", once=True)
    rollup.roll_up_all()
    assert_settled(story)

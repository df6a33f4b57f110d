"""Pages of the feed on the hot lane: equal to Django's, answered by the lane as far as the cached lists go."""

import json

import pytest

from posts import services
from posts.models import HOME_PAGE, Post
from social import services as graph
from tests.support.asgi_server import login
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


@pytest.fixture
def crowd(new_user, alice):
    """Six users whom alice follows, with 17 posts each, one more than a list has."""
    people = [new_user(f"author_{number}") for number in range(6)]
    for person in people:
        graph.follow(follower_id=alice.pk, followee_id=person.pk)
    Post.objects.bulk_create([Post(author=person, text="Hi") for _ in range(17) for person in people])
    return people


def same_pages(lane, django, alice):
    """Return how each page of alice's feed was answered, and all ids, after comparing each with Django's answer."""
    by_lane, ids, path = [], [], "/api/v1/feed"
    while path:
        expected = django.ask(path, headers=login(alice))
        found = lane.ask(path, headers=login(alice))
        assert found.answer == expected.answer, path
        by_lane.append(found.by_lane)
        page = json.loads(expected.body)
        ids += [post["id"] for post in page["results"]]
        path = page["next"] and page["next"].partition("//testserver")[2]
    return by_lane, ids


def test_the_lists_answer_as_far_as_they_go(lane, django, alice, crowd):
    by_lane, ids = same_pages(lane, django, alice)
    assert ids == [*Post.objects.order_by("-pk").values_list("pk", flat=True)]
    assert by_lane == [True] * 6 + [False]


def test_those_who_are_gone_are_skipped_on_the_lane(lane, django, alice, crowd):
    gone, blocked, blocking, *others = crowd
    Post.objects.bulk_create([Post(author=gone, text="Spam") for _ in range(50)])
    User.objects.update_one(gone.pk, is_active=False)
    graph.block(blocker_id=alice.pk, blocked_id=blocked.pk)
    graph.block(blocker_id=blocking.pk, blocked_id=alice.pk)
    newest = Post.objects.filter(author=others[0]).latest("pk")
    Post.objects.update_one(newest.pk, state=Post.State.HIDDEN)
    services.delete_post(post_id=Post.objects.filter(author=others[1]).latest("pk").pk, by=others[1].pk)
    by_lane, ids = same_pages(lane, django, alice)
    expected = Post.objects.filter(author__in=others, state=Post.State.SHOWN).order_by("-pk")
    assert ids == [*expected.values_list("pk", flat=True)]
    assert by_lane[0]
    assert len(ids) > 2 * HOME_PAGE

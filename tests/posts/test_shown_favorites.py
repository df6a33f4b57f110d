"""The check of favourites says what their list shows, after every write that hides a post or shows it again."""

import contextlib
from functools import partial

import pytest
from django.db import transaction

from posts import favorites_drops, services
from posts.models import Favorite, Post
from social import services as graph
from tests.support.budgets import budget
from tests.support.threads import in_parallel
from users.services import set_active

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 8


@pytest.fixture
def kept(bob, post):
    services.add_favorite(user_id=bob.pk, post_id=post.pk)
    return post


def set_state(post, state):
    Post.objects.filter(pk=post.pk).update(state=state)


def save_state(post, state):
    row = Post.objects.get(pk=post.pk)
    row.state = state
    row.save()


def save_account(user, is_active):
    user.is_active = is_active
    user.save()


WRITES = {
    "a post is hidden": (
        lambda post, *_: set_state(post, Post.State.HIDDEN), lambda post, *_: set_state(post, Post.State.SHOWN)
    ),
    "a post is saved as hidden": (
        lambda post, *_: save_state(post, Post.State.HIDDEN), lambda post, *_: save_state(post, Post.State.SHOWN)
    ),
    "its author is deactivated": (
        lambda _, alice, bob: set_active([alice.pk], active=False),
        lambda _, alice, bob: set_active([alice.pk], active=True),
    ),
    "its author is saved as inactive": (
        lambda _, alice, bob: save_account(alice, False), lambda _, alice, bob: save_account(alice, True)
    ),
    "its author blocks": (
        lambda _, alice, bob: graph.block(blocker_id=alice.pk, blocked_id=bob.pk),
        lambda _, alice, bob: graph.unblock(blocker_id=alice.pk, blocked_id=bob.pk),
    ),
    "its author is blocked": (
        lambda _, alice, bob: graph.block(blocker_id=bob.pk, blocked_id=alice.pk),
        lambda _, alice, bob: graph.unblock(blocker_id=bob.pk, blocked_id=alice.pk),
    ),
}  # fmt: skip


def agreed(api, post, by) -> bool:
    """Return what the check says of a post, which the list has to show if and only if it says yes."""
    checked = api.get(f"favorites/check?ids={post.pk}", by=by).json["results"][str(post.pk)]
    assert [each["id"] for each in api.get("favorites", by=by).json["results"]] == [post.pk] * checked
    return checked


@pytest.mark.parametrize("most", [favorites_drops.AT_ONCE, 0])
@pytest.mark.parametrize("event", WRITES)
def test_check_and_list_agree(api, alice, bob, kept, monkeypatch, event, most):
    """Also where more sets are concerned than a write drops itself: its commit leaves that to others."""
    from caching.protocol.pending import apply_pending

    monkeypatch.setattr(favorites_drops, "AT_ONCE", most)
    assert agreed(api, kept, bob)
    for change, expected in zip(WRITES[event], (False, True), strict=True):
        change(kept, alice, bob)
        apply_pending("default")
        assert agreed(api, kept, bob) is expected
    assert Favorite.objects.count() == 1


def test_ones_own_hidden_post_stays_a_favourite(api, alice, post):
    services.add_favorite(user_id=alice.pk, post_id=post.pk)
    set_state(post, Post.State.HIDDEN)
    assert agreed(api, post, alice)
    assert api.get(f"posts/{post.pk}", by=alice).json["favorited"] is True


@pytest.mark.parametrize("change", ["hide", "deactivate"])
def test_a_favourite_added_meanwhile(api, alice, new_user, write, change):
    """Of a favourite and what hides its post, one comes first: the cached set never says yes alone."""
    people = [new_user(f"fan_{number}") for number in range(4)]
    for _ in range(ROUNDS):
        set_active([alice.pk], active=True)
        post = write(alice)
        for person in people:
            api.get(f"favorites/check?ids={post.pk}", by=person)
        hide = (
            partial(set_state, post, Post.State.HIDDEN)
            if change == "hide"
            else partial(set_active, [alice.pk], active=False)
        )
        in_parallel(hide, *[partial(keep, person, post) for person in people])
        for person in people:
            checked = api.get(f"favorites/check?ids={post.pk}", by=person).json["results"]
            assert checked == {str(post.pk): False}


def keep(person, post) -> None:
    with contextlib.suppress(Post.DoesNotExist):
        services.add_favorite(user_id=person.pk, post_id=post.pk)


def test_a_favourite_that_the_same_transaction_hides(api, alice, bob, kept, write):
    """The set that the first write changes, or leaves as it is, is dropped for the sake of the second."""

    def checked():
        return api.get(f"favorites/check?ids={kept.pk}", by=bob).json["results"][str(kept.pk)]

    for post in (write(alice), kept):  # a new favourite, and one that is there
        assert checked() is True
        with transaction.atomic():
            services.add_favorite(user_id=bob.pk, post_id=post.pk)
            graph.block(blocker_id=alice.pk, blocked_id=bob.pk)
        assert checked() is False
        graph.unblock(blocker_id=alice.pk, blocked_id=bob.pk)


def test_marks_are_taken_back_from_what_one_cannot_see(api, alice, bob, kept):
    services.like(user_id=bob.pk, post_id=kept.pk)
    for hide, show in (
        (partial(set_state, kept, Post.State.HIDDEN), partial(set_state, kept, Post.State.SHOWN)),
        (partial(set_active, [alice.pk], active=False), partial(set_active, [alice.pk], active=True)),
    ):
        services.like(user_id=bob.pk, post_id=kept.pk)
        services.add_favorite(user_id=bob.pk, post_id=kept.pk)
        hide()
        for verb, mark, count in (("like", "liked", "likes"), ("favorite", "favorited", "favorites")):
            assert api.put(f"posts/{kept.pk}/{verb}", by=bob).status == 404
            for _ in range(2):
                taken_back = api.delete(f"posts/{kept.pk}/{verb}", by=bob)
                assert (taken_back.status, taken_back.json[mark], taken_back.json["counts"][count]) == (200, False, 0)
        show()
        assert not agreed(api, kept, bob)
    Post.objects.filter(pk=kept.pk).update(state=Post.State.REMOVED)
    assert api.delete(f"posts/{kept.pk}/like", by=bob).status == 404


@pytest.mark.one_redis
def test_a_check_costs_what_it_did(api, bob, kept):
    api.get(f"favorites/check?ids={kept.pk}", by=bob)
    with budget(sql=0, round_trips=1, commands=2):
        api.get(f"favorites/check?ids={kept.pk}", by=bob)

"""Reposts: without a text a user has one of each post, whatever races; with a text (quotes) any number."""

from functools import partial

import pytest
from django.db import IntegrityError

from posts import removal, services
from posts.models import Post
from tests.posts.settled import ZEROS, drifts, post_counts, posts_of
from tests.support.forkserver import run_in_processes
from tests.support.threads import in_parallel
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)


def repost_at_once(author_id: int, post_id: int, times: int) -> int:
    """Repost a post again and again, in another process; return how many reposts were new."""
    from posts import services

    return sum(services.publish_once(author_id=author_id, repost_of=post_id)[1] for _ in range(times))


@pytest.mark.parametrize("text", [{}, {"text": ""}, {"text": "  "}])
def test_once_without_a_text_and_then_the_same(api, alice, bob, post, text):
    body = {"repost_of": post.pk, **text}
    first, second = api.post("posts", body, by=bob), api.post("posts", body, by=bob)
    assert (first.status, second.status) == (201, 200)
    assert first.json == second.json
    assert (first.json["text"], first.json["repost_of"]) == ("", post.pk)
    assert (post_counts(post), posts_of(bob)) == ([{**ZEROS, "reposts": 1}], [1])
    assert api.post("posts", body, by=alice).status == 201
    assert post_counts(post) == [{**ZEROS, "reposts": 2}]
    assert drifts() == []


def test_quotes_count_each(api, bob, post):
    for _ in range(3):
        assert api.post("posts", {"text": "Look", "repost_of": post.pk}, by=bob).status == 201
    assert api.post("posts", {"repost_of": post.pk}, by=bob).status == 201
    assert (post_counts(post), posts_of(bob)) == ([{**ZEROS, "reposts": 4}], [4])


@pytest.mark.parametrize("body", [{"repost_of": None}, {"text": "", "repost_of": None}, {"repost_of": 10**12}])
def test_nothing_to_say_and_nothing_to_repost(api, bob, body):
    assert api.post("posts", body, by=bob).status == (404 if body["repost_of"] else 400)
    assert not Post.objects.exists()


def test_deleted_it_may_be_made_again(api, bob, post):
    for _ in range(3):
        repost = api.post("posts", {"repost_of": post.pk}, by=bob)
        assert repost.status == 201
        assert post_counts(post) == [{**ZEROS, "reposts": 1}]
        assert api.delete(f"posts/{repost.json['id']}", by=bob).status == 204
        assert post_counts(post) == [ZEROS]
    assert drifts() == []


def test_a_removed_repost_that_is_not_swept_yet_does_not_stand_in_the_way(bob, post):
    repost = services.publish(author_id=bob.pk, repost_of=post.pk)
    removal.mark(repost.pk)
    assert services.publish_once(author_id=bob.pk, repost_of=post.pk)[1]
    assert post_counts(post) == [{**ZEROS, "reposts": 1}]


def test_fifty_at_once_are_one(bob, post):
    reposts = in_parallel(*[partial(services.publish_once, author_id=bob.pk, repost_of=post.pk)] * 50)
    assert sum(is_new for _, is_new in reposts) == 1
    assert len({repost.pk for repost, _ in reposts}) == 1
    assert (post_counts(post), posts_of(bob)) == ([{**ZEROS, "reposts": 1}], [1])


def test_by_processes_they_are_one(bob, post):
    assert sum(run_in_processes(*[(repost_at_once, bob.pk, post.pk, 10)] * 4)) == 1
    assert (post_counts(post), drifts()) == ([{**ZEROS, "reposts": 1}], [])


def test_the_database_refuses_a_second_one(bob, post):
    """Behind the lock of the services there is a constraint."""
    for _ in range(2):
        Post.objects.create_one(author_id=bob.pk, text="Look", repost_of_id=post.pk)
    Post.objects.create_one(author_id=bob.pk, text="", repost_of_id=post.pk)
    with pytest.raises(IntegrityError):
        Post.objects.create_one(author_id=bob.pk, text="", repost_of_id=post.pk)
    assert post_counts(post) == [{**ZEROS, "reposts": 3}]


def test_reposts_without_a_text_go_with_their_original(api, alice, bob, carol, post):
    """Nothing would be left of them; quotes stay, without their original."""
    plain = [services.publish(author_id=each.pk, repost_of=post.pk) for each in (alice, bob, carol)]
    quote = services.publish(author_id=bob.pk, text="Look", repost_of=post.pk)
    assert api.delete(f"posts/{post.pk}", by=alice).status == 204
    removal.removed_posts.delete_some([each.pk for each in plain])
    assert list(Post.objects.values_list("pk", "repost_of")) == [(quote.pk, None)]
    assert (posts_of(alice, bob, carol), drifts()) == ([0, 1, 0], [])


def test_reposts_of_somebody_who_is_deleted(alice, bob, post):
    services.publish(author_id=bob.pk, repost_of=post.pk)
    list(delete_user(alice.pk))
    list(removal.removed_posts.sweep())
    assert not Post.objects.exists()
    assert drifts() == []


def test_in_the_admin(root, bob, post):
    """A repost that gets a text is a quote, beside which there may be one without; a text is not taken away."""
    repost = services.publish(author_id=bob.pk, repost_of=post.pk)
    page = f"/admin/posts/post/{repost.pk}/change/"
    assert root.get(page).status_code == 200
    assert root.post(page, {"text": "", "state": 1}).status_code == 302
    assert not services.publish_once(author_id=bob.pk, repost_of=post.pk)[1]
    assert root.post(page, {"text": "Look", "state": 0}).status_code == 302
    assert services.publish_once(author_id=bob.pk, repost_of=post.pk)[1]
    assert b"This field is required" in root.post(page, {"text": "", "state": 0}).content
    assert post_counts(post) == [{**ZEROS, "reposts": 2}]

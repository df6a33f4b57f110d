"""Moderation: an edit in the admin shows in the API at once, and no page reads a whole table."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from counters.reads import counts_of
from posts import services
from posts.admin import PostAdmin
from posts.models import Comment, Like, Post

pytestmark = pytest.mark.django_db(transaction=True)
POSTS, COMMENTS = "/admin/posts/post/", "/admin/posts/comment/"


def act(root, action, *rows):
    chosen = {"action": action, "_selected_action": [row.pk for row in rows], "post": "yes"}
    answer = root.post(POSTS if isinstance(rows[0], Post) else COMMENTS, chosen, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_hidden_and_shown_again(api, root, alice, bob, post):
    assert len(api.get(f"users/{alice.pk}/posts", by=bob).json["results"]) == 1
    assert "1 post hidden." in act(root, "hide", post)
    assert api.get(f"posts/{post.pk}", by=bob).status == 404
    assert api.get(f"users/{alice.pk}/posts", by=bob).json["results"] == []
    assert counts_of("user", [alice.pk])[alice.pk]["posts"] == 1
    assert "0 posts hidden." in act(root, "hide", post)
    assert "1 post shown again." in act(root, "show", post)
    assert api.get(f"posts/{post.pk}", by=bob).status == 200
    assert len(api.get(f"users/{alice.pk}/posts", by=bob).json["results"]) == 1


def test_deleted_by_the_action_and_by_the_page(api, root, alice, bob, write):
    posts = [write(alice), write(alice), write(alice)]
    for post in posts:
        services.like(user_id=bob.pk, post_id=post.pk)
    with CaptureQueriesContext(connection) as queries:
        root.post(POSTS, {"action": "delete_selected", "_selected_action": [post.pk for post in posts[:2]]})
        root.get(f"{POSTS}{posts[2].pk}/delete/")
    likes = [query["sql"] for query in queries if "posts_like" in query["sql"]]
    assert all("COUNT(" in sql and "LIMIT 10001" in sql for sql in likes)  # a million likes are neither read nor listed
    act(root, "delete_selected", *posts[:2])
    with CaptureQueriesContext(connection) as queries:
        root.post(f"{POSTS}{posts[2].pk}/delete/", {"post": "yes"})
    if connection.vendor == "sqlite":
        assert sum(query["sql"].startswith("BEGIN") for query in queries) >= 3  # several transactions
    assert (Post.objects.count(), Like.objects.count()) == (0, 0)
    assert counts_of("user", [alice.pk])[alice.pk]["posts"] == 0
    assert api.get(f"users/{alice.pk}/posts", by=bob).json["results"] == []


def test_a_text_that_is_mended_shows_at_once(api, root, bob, post):
    api.get(f"posts/{post.pk}", by=bob)
    page = f"{POSTS}{post.pk}/change/"
    assert b"<textarea" in root.get(page).content
    assert root.post(page, {"text": "Mended", "state": 0}).status_code == 302
    assert api.get(f"posts/{post.pk}", by=bob).json["text"] == "Mended"
    assert b"This field is required" in root.post(page, {"text": "", "state": 0}).content


def test_hidden_and_shown_again_by_the_page(api, root, bob, post):
    page = f"{POSTS}{post.pk}/change/"
    for state, status in ((Post.State.HIDDEN, 404), (Post.State.SHOWN, 200)):
        assert root.post(page, {"text": post.text, "state": state}).status_code == 302
        assert api.get(f"posts/{post.pk}", by=bob).status == status
    assert b"Select a valid choice" in root.post(page, {"text": post.text, "state": Post.State.REMOVED}).content


def test_an_edit_meets_a_removal(api, root, alice, bob, post, monkeypatch):
    """A form that was read before the removal is saved after it: the post stays removed."""
    page, read = f"{POSTS}{post.pk}/change/", PostAdmin.get_object

    def read_before(*args):
        found = read(*args)
        services.delete_post(post_id=post.pk, by=alice.pk)
        return found

    monkeypatch.setattr(PostAdmin, "get_object", read_before)
    root.post(page, {"text": "Mended", "state": 0})
    assert not Post.objects.exists()
    assert counts_of("user", [alice.pk])[alice.pk]["posts"] == 0


def test_a_comment_is_deleted(api, root, bob, post):
    comment = services.comment(post_id=post.pk, author_id=bob.pk, text="Hi")
    assert f"{POSTS}{post.pk}/change/" in root.get(f"{COMMENTS}{comment.pk}/change/").content.decode()
    act(root, "delete_selected", comment)
    assert not Comment.objects.exists()
    assert api.get(f"posts/{post.pk}", by=bob).json["counts"]["comments"] == 0


def test_search(root, alice, bob, write):
    by_alice, by_bob = write(alice, "Sunset over the harbour"), write(bob, "今天天气真好")
    comment = services.comment(post_id=by_alice.pk, author_id=bob.pk, text="Lovely")

    def found(term, address=POSTS):
        return [row.pk for row in root.get(address, {"q": term}).context["cl"].result_list]

    assert found(str(by_alice.pk)) == [by_alice.pk]
    assert found("bob") == [by_bob.pk]
    assert found("天气") == [by_bob.pk]
    assert found("harbour") == [by_alice.pk]
    assert found("nothing like it") == []
    assert found("") == [by_bob.pk, by_alice.pk]
    assert found(str(comment.pk), COMMENTS) == [comment.pk]
    assert len(found(str(by_alice.pk), COMMENTS)) == len(found("bob", COMMENTS)) == len(found("Lovely", COMMENTS)) == 1


@pytest.mark.parametrize("address", [POSTS, COMMENTS])
def test_a_list_counts_sorts_and_facets_no_whole_table(root, alice, bob, write, address):
    post = write(alice)
    services.comment(post_id=post.pk, author_id=bob.pk, text="Hi")
    with CaptureQueriesContext(connection) as queries:
        assert root.get(address).status_code == 200
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"] and "posts_" in query["sql"]]
    assert all("LIMIT 10001" in sql for sql in counts)
    assert sum("posts_" in query["sql"] for query in queries) <= 2


def test_nobody_adds_here(root):
    assert root.get(f"{POSTS}add/").status_code == 403
    assert root.get(f"{COMMENTS}add/").status_code == 403

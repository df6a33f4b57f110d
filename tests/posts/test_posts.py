"""Posts over HTTP: every field of the contract."""

import pytest

from posts import removal
from posts.models import HOME_PAGE, TEXT_LENGTH, Deletion, Post
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)
ZEROS = {"likes": 0, "comments": 0, "reposts": 0, "favorites": 0}


def test_writing_one_answers_it_as_every_reader_will_see_it(api, alice, bob):
    answer = api.post("posts", {"text": "你好 👋"}, by=alice)
    assert answer.status == 201
    post = answer.json
    assert post == {
        "id": post["id"],
        "author": api.get(f"users/{alice.pk}", by=alice).json,
        "text": "你好 👋",
        "repost_of": None,
        "created_at": post["created_at"],
        "counts": ZEROS,
        "liked": False,
        "favorited": False,
    }
    assert api.get(f"posts/{post['id']}", by=bob).json == post
    assert api.get(f"users/{alice.pk}/posts", by=bob).json["results"] == [post]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "   "},
        {"text": None},
        {"text": 5},
        {"text": "a\0b"},
        {"text": "x" * (TEXT_LENGTH + 1)},
        {"text": "x", "repost_of": "1"},
        {"text": "x", "repost_of": True},
        {"text": "x", "repost_of": 1.5},
        {"text": "x", "repost_of": 0},
        {"text": "x", "repost_of": 2**63},
        {"text": "x", "author": 1},
        {"text": "x", "state": 1},
        [],
        "text",
    ],
)
def test_bad_input_writes_nothing(api, alice, body):
    assert api.post("posts", body, by=alice).status == 400
    assert not Post.objects.exists()


def test_the_longest_text(api, alice):
    assert api.post("posts", {"text": "字" * TEXT_LENGTH}, by=alice).json["text"] == "字" * TEXT_LENGTH


def test_a_repost_counts_for_its_original(api, alice, bob, post):
    repost = api.post("posts", {"text": "Look", "repost_of": post.pk}, by=bob).json
    assert repost["repost_of"] == post.pk
    assert api.get(f"posts/{post.pk}", by=bob).json["counts"] == {**ZEROS, "reposts": 1}
    assert api.get(f"counters?targets=post:{post.pk},user:{bob.pk}", by=bob).json["results"] == {
        f"post:{post.pk}": {**ZEROS, "reposts": 1},
        f"user:{bob.pk}": {"followers": 0, "following": 0, "posts": 1},
    }


def test_reposting_what_is_not_there_or_not_for_the_caller(api, alice, bob, post, block):
    assert api.post("posts", {"text": "Look", "repost_of": 10**9}, by=bob).status == 404
    block(alice, bob)
    answer = api.post("posts", {"text": "Look", "repost_of": post.pk}, by=bob)
    assert (answer.status, answer.json["code"]) == (403, "blocked")
    assert Post.objects.count() == 1


def test_several_in_the_order_asked(api, alice, bob, carol, write, block):
    mine, theirs, unseen = write(alice), write(bob), write(carol)
    block(carol, alice)
    found = api.get(f"posts?ids={theirs.pk},{unseen.pk},999999,{mine.pk},{theirs.pk}", by=alice).json
    assert [each["id"] for each in found["results"]] == [theirs.pk, mine.pk]
    assert [each["author"]["username"] for each in found["results"]] == ["bob", "alice"]
    assert found["missing"] == [unseen.pk, 999999]


@pytest.mark.parametrize("ids", ["", "abc", "0", "-1", "1.5", "true", "9223372036854775808", ",".join("1" * 101)])
def test_bad_ids(api, alice, ids):
    assert api.get(f"posts?ids={ids}", by=alice).status == 400


@pytest.mark.parametrize("address", ["posts/abc", "posts/0", "posts/abc/likers", "posts/0/comments", "users/x/posts"])
def test_bad_ids_in_addresses(api, alice, address):
    assert api.get(address, by=alice).status == 400


def test_head_is_get_without_a_body(api, alice, post):
    for address in (
        f"posts/{post.pk}", f"posts?ids={post.pk}", f"posts/{post.pk}/comments", f"posts/{post.pk}/likers",
        f"users/{alice.pk}/posts", "favorites", f"favorites/check?ids={post.pk}",
    ):  # fmt: skip
        assert api.head(address, by=alice).status == 200, address


@pytest.mark.parametrize("address", ["posts/99", "posts/99/likers", "posts/99/comments", "users/999999/posts"])
def test_unknown_ids(api, alice, address):
    assert api.get(address, by=alice).status == 404


def test_only_the_author_deletes(api, alice, bob, post):
    answer = api.delete(f"posts/{post.pk}", by=bob)
    assert (answer.status, answer.json["code"]) == (403, "not_the_author")
    assert api.get(f"posts/{post.pk}", by=bob).status == 200
    assert api.delete(f"posts/{post.pk}", by=alice).status == 204
    assert api.get(f"posts/{post.pk}", by=bob).status == 404
    assert api.get(f"users/{alice.pk}/posts", by=bob).json["results"] == []


def test_deleting_again_is_answered_the_same(api, alice, bob, write):
    post, other = write(alice), write(alice)
    assert [api.delete(f"posts/{post.pk}", by=alice).status for _ in range(3)] == [204, 204, 204]
    assert api.delete(f"posts/{post.pk}", by=bob).status == 404
    removal.remove([other.pk])  # by the staff: there is nothing of the author's to repeat
    assert api.delete(f"posts/{other.pk}", by=alice).status == 404
    list(delete_user(alice.pk))
    assert not Deletion.objects.exists()


def test_a_home_page_leads_to_older_and_newer_ones(api, alice, bob, write):
    written = [write(alice, f"Post {number}").pk for number in range(HOME_PAGE * 2 + 3)][::-1]
    first = api.get(f"users/{alice.pk}/posts", by=bob).json
    assert ([each["id"] for each in first["results"]], first["previous"]) == (written[:HOME_PAGE], None)
    write(alice, "Written meanwhile")
    second = api.get(first["next"], by=bob).json
    third = api.get(second["next"], by=bob).json
    assert [each["id"] for each in second["results"]] == written[HOME_PAGE : HOME_PAGE * 2]
    assert [each["id"] for each in third["results"]] == written[HOME_PAGE * 2 :]
    assert third["next"] is None
    back = api.get(third["previous"], by=bob).json
    assert [each["id"] for each in back["results"]] == [each["id"] for each in second["results"]]


def test_a_home_page_of_exactly_one_page_has_no_next(api, alice, write):
    for _ in range(HOME_PAGE):
        write(alice)
    assert api.get(f"users/{alice.pk}/posts", by=alice).json["next"] is None


@pytest.mark.parametrize("blocker_is_the_viewer", [True, False])
def test_blocks_stand_between(api, alice, bob, post, block, blocker_is_the_viewer):
    block(*((bob, alice) if blocker_is_the_viewer else (alice, bob)))
    for method, address, body in (
        ("GET", f"posts/{post.pk}", None),
        ("GET", f"users/{alice.pk}/posts", None),
        ("GET", f"posts/{post.pk}/comments", None),
        ("GET", f"posts/{post.pk}/likers", None),
        ("PUT", f"posts/{post.pk}/like", None),
        ("PUT", f"posts/{post.pk}/favorite", None),
        ("POST", f"posts/{post.pk}/comments", {"text": "Hi"}),
    ):
        answer = api.request(method, address, body, by=bob)
        assert (answer.status, answer.json["code"]) == (403, "blocked"), address
    assert api.get(f"posts?ids={post.pk}", by=bob).json == {"results": [], "missing": [post.pk]}


def hide(post, state=Post.State.HIDDEN):
    assert Post.objects.filter(pk=post.pk).update(state=state) == 1


def test_hidden_by_the_staff_it_is_there_for_its_author_alone(api, alice, bob, post):
    shown = api.get(f"posts/{post.pk}", by=alice).json
    api.put(f"posts/{post.pk}/favorite", by=bob)
    api.get(f"users/{alice.pk}/posts", by=bob)
    hide(post)
    read = api.get(f"posts/{post.pk}", by=alice).json
    assert read == {**shown, "hidden": True, "counts": {**ZEROS, "favorites": 1}}
    assert api.get(f"posts?ids={post.pk}", by=alice).json["results"] == [read]
    for address in (f"posts/{post.pk}/comments", f"posts/{post.pk}/likers"):
        assert (api.get(address, by=alice).status, api.get(address, by=bob).status) == (200, 404)
    assert api.get(f"posts/{post.pk}", by=bob).status == 404
    assert api.get(f"posts?ids={post.pk}", by=bob).json["missing"] == [post.pk]
    for viewer in (alice, bob):
        assert api.get(f"users/{alice.pk}/posts", by=viewer).json["results"] == []
    assert api.get("favorites", by=bob).json["results"] == []
    hide(post, Post.State.SHOWN)
    assert api.get(f"posts/{post.pk}", by=bob).json["favorited"] is True
    assert "hidden" not in api.get(f"posts/{post.pk}", by=alice).json
    assert len(api.get(f"users/{alice.pk}/posts", by=bob).json["results"]) == 1


def test_nobody_adds_to_a_hidden_post(api, alice, bob, post):
    hide(post)
    for viewer in (alice, bob):
        for method, address, body in (
            ("PUT", f"posts/{post.pk}/like", None),
            ("PUT", f"posts/{post.pk}/favorite", None),
            ("POST", f"posts/{post.pk}/comments", {"text": "Hi"}),
            ("POST", "posts", {"text": "Look", "repost_of": post.pk}),
            ("POST", "posts", {"repost_of": post.pk}),
        ):
            assert api.request(method, address, body, by=viewer).status == 404, address
    assert Post.objects.count() == 1


def test_its_author_deletes_a_hidden_post_and_nobody_else_hears_of_it(api, alice, bob, post):
    hide(post)
    assert api.delete(f"posts/{post.pk}", by=bob).status == 404
    assert [api.delete(f"posts/{post.pk}", by=alice).status for _ in range(2)] == [204, 204]
    assert not Post.objects.exists()

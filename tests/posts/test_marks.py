"""Likes, favourites and comments over HTTP."""

import pytest

from posts.models import COMMENT_LENGTH, Comment, Favorite, Like
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
MARKS = [("like", "liked", "likes", Like), ("favorite", "favorited", "favorites", Favorite)]


@pytest.mark.parametrize(("verb", "mark", "count", "model"), MARKS)
def test_a_mark_is_put_and_taken_back_once(api, alice, bob, post, verb, mark, count, model):
    address = f"posts/{post.pk}/{verb}"
    for _ in range(3):
        answer = api.put(address, by=bob)
        assert (answer.status, set(answer.json)) == (200, {"id", "liked", "favorited", "counts"})
        assert (answer.json["id"], answer.json[mark], answer.json["counts"][count]) == (post.pk, True, 1)
        assert model.objects.count() == 1
    assert api.get(f"posts/{post.pk}", by=bob).json[mark] is True
    assert api.get(f"posts/{post.pk}", by=alice).json[mark] is False
    for _ in range(3):
        answer = api.delete(address, by=bob)
        assert (answer.status, answer.json[mark], answer.json["counts"][count]) == (200, False, 0)
    assert not model.objects.exists()


@pytest.mark.parametrize("verb", ["like", "favorite"])
def test_a_mark_on_nothing(api, bob, verb):
    for method in ("PUT", "DELETE"):
        assert api.request(method, f"posts/99/{verb}", by=bob).status == 404
        assert api.request(method, f"posts/x/{verb}", by=bob).status == 400


@pytest.mark.parametrize("verb", ["like", "favorite"])
def test_a_mark_is_taken_back_in_spite_of_a_block(api, alice, bob, post, block, verb):
    api.put(f"posts/{post.pk}/{verb}", by=bob)
    block(alice, bob)
    assert api.delete(f"posts/{post.pk}/{verb}", by=bob).status == 200
    assert not Like.objects.exists()
    assert not Favorite.objects.exists()


def test_favourites_are_listed_newest_first(api, alice, bob, carol, write, block):
    posts = [write(alice), write(carol), write(bob)]
    for post in posts:
        api.put(f"posts/{post.pk}/favorite", by=bob)
    assert api.get("favorites", by=alice).json["results"] == []
    found = api.get("favorites", by=bob).json["results"]
    assert [each["id"] for each in found] == [post.pk for post in posts[::-1]]
    assert all(each["favorited"] for each in found)
    block(carol, bob)
    assert [each["id"] for each in api.get("favorites", by=bob).json["results"]] == [posts[2].pk, posts[0].pk]


def test_favourites_are_checked_many_at_once(api, alice, bob, write):
    posts = [write(alice) for _ in range(5)]
    for post in posts[:2]:
        api.put(f"posts/{post.pk}/favorite", by=bob)
    ids = ",".join(str(post.pk) for post in posts[::-1])
    answer = api.get(f"favorites/check?ids={ids},{10**12}", by=bob)
    assert answer.json == {"results": {**{str(post.pk): post in posts[:2] for post in posts[::-1]}, str(10**12): False}}
    assert next(iter(answer.json["results"])) == str(posts[-1].pk)


def test_two_hundred_are_the_most_to_check(api, bob):
    assert api.get(f"favorites/check?ids={','.join(map(str, range(1, 201)))}", by=bob).status == 200
    assert api.get(f"favorites/check?ids={','.join(map(str, range(1, 202)))}", by=bob).status == 400
    assert api.get("favorites/check", by=bob).status == 400


def test_comments(api, alice, bob, carol, post, block):
    answer = api.post(f"posts/{post.pk}/comments", {"text": "说得好！"}, by=bob)
    assert answer.status == 201
    assert answer.json == {
        "id": answer.json["id"],
        "post": post.pk,
        "author": api.get(f"users/{bob.pk}", by=alice).json,
        "text": "说得好！",
        "created_at": answer.json["created_at"],
    }
    second = api.post(f"posts/{post.pk}/comments", {"text": "Yes"}, by=carol).json
    assert api.get(f"posts/{post.pk}/comments", by=alice).json["results"] == [second, answer.json]
    assert api.get(f"posts/{post.pk}", by=alice).json["counts"]["comments"] == 2
    block(carol, bob)
    assert api.get(f"posts/{post.pk}/comments", by=bob).json["results"] == [answer.json]


@pytest.mark.parametrize("blocker_is_the_author", [True, False])
def test_an_author_sees_and_deletes_every_comment(api, alice, bob, carol, post, block, blocker_is_the_author):
    """Others see the comments of those alone whom they see; of an account that is gone nobody sees any."""
    address = f"posts/{post.pk}/comments"
    comments = [api.post(address, {"text": "Hi"}, by=person).json for person in (bob, carol)]
    block(*((alice, bob) if blocker_is_the_author else (bob, alice)))
    block(bob, carol)
    assert api.get(address, by=alice).json["results"] == comments[::-1]
    assert api.get(address, by=carol).json["results"] == comments[1:]
    User.objects.filter(pk=carol.pk).update(is_active=False)
    assert api.get(address, by=alice).json["results"] == comments[:1]
    for comment in comments:
        assert api.delete(f"comments/{comment['id']}", by=alice).status == 204
    assert not Comment.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"text": ""}, {"text": 1}, {"text": "x" * (COMMENT_LENGTH + 1)}, {"text": "x", "z": 1}]
)
def test_bad_comments(api, bob, post, body):
    assert api.post(f"posts/{post.pk}/comments", body, by=bob).status == 400
    assert not Comment.objects.exists()


def test_a_comment_is_deleted_by_its_author_or_the_posts(api, alice, bob, carol, post):
    for by, status in ((bob, 204), (alice, 204), (carol, 403)):
        comment = api.post(f"posts/{post.pk}/comments", {"text": "Hi"}, by=bob).json
        assert api.delete(f"comments/{comment['id']}", by=by).status == status
    assert Comment.objects.count() == 1
    assert api.get(f"posts/{post.pk}", by=alice).json["counts"]["comments"] == 1
    assert api.delete("comments/999999", by=bob).status == 404


def test_deleting_a_comment_again_is_answered_the_same(api, alice, bob, post):
    address = f"comments/{api.post(f'posts/{post.pk}/comments', {'text': 'Hi'}, by=bob).json['id']}"
    assert [api.delete(address, by=alice).status for _ in range(3)] == [204, 204, 204]
    assert api.delete(address, by=bob).status == 404
    assert api.delete(f"posts/{post.pk}", by=alice).status == 204
    assert api.delete(address, by=alice).status == 204


def test_bad_ids_of_comments(api, bob):
    assert api.delete("comments/x", by=bob).status == 400


def test_likers(api, alice, bob, carol, post, block):
    for person in (bob, carol):
        api.put(f"posts/{post.pk}/like", by=person)
    assert [each["username"] for each in api.get(f"posts/{post.pk}/likers", by=alice).json["results"]] == [
        "carol",
        "bob",
    ]
    block(alice, carol)
    assert [each["username"] for each in api.get(f"posts/{post.pk}/likers", by=alice).json["results"]] == ["bob"]

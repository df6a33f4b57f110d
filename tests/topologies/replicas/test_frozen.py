"""What the write path reads is the writer's: five cases that a lagging replica breaks, and what follows a write."""

from itertools import count

import pytest

numbers = count(1)


@pytest.fixture
def pair(site, replication):
    """(id, token) of two users who registered before the replica stopped."""
    number = next(numbers)
    return [site.hosts[0].account(f"{name}{number}") for name in ("ann", "ben")]


@pytest.fixture
def ask(site):
    """Send each request to the host that has not had the one before."""
    turns = count()
    return lambda *args, **options: site.hosts[next(turns) % 2].request(*args, **options)


def test_a_fresh_follow_is_ended(site, replication, pair, ask):
    (ann, token), (ben, _) = pair
    replication.stop()
    ask("PUT", f"users/{ben}/follow", token=token)
    assert ask("DELETE", f"users/{ben}/follow", token=token).json["following"] is False
    assert site.count("social_follow", follower_id=ann) == 0


def test_a_follow_is_repeated(site, replication, pair, ask):
    (ann, token), (ben, _) = pair
    replication.stop()
    answers = [ask("PUT", f"users/{ben}/follow", token=token) for _ in range(3)]
    assert [(each.status, each.json["following"]) for each in answers] == [(200, True)] * 3
    assert site.count("social_follow", follower_id=ann) == 1


def test_who_is_blocked_does_not_follow(site, replication, pair, ask):
    (ann, anns), (ben, bens) = pair
    replication.stop()
    assert ask("PUT", f"users/{ben}/block", token=anns).status == 200
    assert ask("PUT", f"users/{ann}/follow", token=bens).status == 403
    assert site.count("social_follow", follower_id=ben) == 0


def test_a_fresh_post_is_liked(site, replication, pair, ask):
    (_, anns), (_, bens) = pair
    replication.stop()
    post = ask("POST", "posts", {"text": "Fresh"}, token=anns).json["id"]
    for mark in ("like", "favorite"):
        assert ask("PUT", f"posts/{post}/{mark}", token=bens).status == 200
    assert ask("POST", f"posts/{post}/comments", {"text": "Hi"}, token=bens).status == 201
    liked = ask("DELETE", f"posts/{post}/like", token=bens)
    assert (liked.status, liked.json["counts"]["likes"], liked.json["liked"]) == (200, 0, False)
    assert ask("DELETE", f"posts/{post}", token=anns).status == 204


def test_a_fresh_score_is_withdrawn(site, replication, pair, ask):
    (ann, token), _ = pair
    replication.stop()
    item = ask("POST", "ratings", {"title": "Fresh"}, token=token).json["id"]
    assert ask("PUT", f"ratings/{item}/score", {"score": 9}, token=token).json["my_score"] == 9
    assert ask("DELETE", f"ratings/{item}/score", token=token).json["my_score"] is None
    assert site.count("ratings_score", user_id=ann) == 0


def test_lists_show_what_was_just_written_on_every_host(site, replication, pair, ask):
    (ann, anns), (ben, bens) = pair
    replication.stop()
    post = ask("POST", "posts", {"text": "Fresh"}, token=anns).json["id"]
    ask("PUT", f"users/{ben}/follow", token=anns)
    ask("PUT", f"posts/{post}/like", token=bens)
    ask("PUT", f"posts/{post}/favorite", token=bens)
    ask("POST", f"posts/{post}/comments", {"text": "Hi"}, token=bens)
    ask("PATCH", "users/me", {"nickname": f"Fresh{ann}"}, token=anns)
    for _ in range(2):
        for path, shown in {
            f"users/{ben}/followers": ann, f"users/{ann}/following": ben, f"posts/{post}/likers": ben,
            "favorites": post, f"users/search?q=fresh{ann}": ann,
        }.items():  # fmt: skip
            assert [each["id"] for each in ask("GET", path, token=bens).json["results"]] == [shown], path
        assert [each["text"] for each in ask("GET", f"posts/{post}/comments", token=bens).json["results"]] == ["Hi"]
        exported = ask("GET", "users/me/export", token=anns).json
        assert [each["user"] for each in exported["following"]] == [ben]


def test_entries_are_filled_from_the_writer(site, replication, pair, ask):
    (ann, anns), (ben, _) = pair
    replication.stop()
    ask("PATCH", "users/me", {"bio": "Fresh"}, token=anns)
    ask("PUT", f"users/{ben}/follow", token=anns)
    reads = (
        f"users/{ann}",
        f"relationships?ids={ben}",
        f"users/{ben}/followers?limit=1",
        f"counters?targets=user:{ben}",
    )
    expected = [ask("GET", path, token=anns).json for path in reads]
    site.flush()
    assert [ask("GET", path, token=anns).json for path in reads] == expected
    assert expected[0]["bio"] == "Fresh"
    assert expected[1]["results"][0]["following"] is True

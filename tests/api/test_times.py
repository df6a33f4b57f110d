"""Times have six digits of fraction, also where the fraction is zero, and texts that look like times stay as typed."""

import datetime
import re

import msgspec
import pytest

from api.json import encoded
from caching.recent import HitRate
from posts.models import Comment, Post
from users.models import Login, User, UserState

pytestmark = pytest.mark.django_db(transaction=True)
WHOLE = datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)
SHOWN = "2024-05-06T07:08:09.000000Z"
TIME = re.compile(r'"(?:created_at|last_seen_at|last_used_at|next_check_at)":"([^"]*)"')
TEXTS = ["2024-05-06T07:08:09Z", 'Z"2024-05-06T07:08:09Z"', "Z", "ZZ", "9Z", "07:08:09Z"]


@pytest.fixture
def whole_seconds(alice, bob):
    post = Post.objects.create_one(author_id=alice.pk, text=TEXTS[0], created_at=WHOLE)
    Comment.objects.create(author_id=bob.pk, post_id=post.pk, text=TEXTS[1], created_at=WHOLE)
    UserState.objects.create_one(user_id=bob.pk, last_seen_at=WHOLE)
    User.objects.filter(pk__in=[alice.pk, bob.pk]).update(created_at=WHOLE, bio=TEXTS[0])
    return post


def test_every_answer_with_times(api, alice, bob, whole_seconds):
    tokens = api.post("auth/token", {"username": "alice", "password": "correct-horse-battery"}).json
    Login.objects.update(created_at=WHOLE, last_used_at=WHOLE)
    post = whole_seconds
    for address, times in {
        "users/me": 1, f"users/{bob.pk}": 1, f"users?ids={alice.pk},{bob.pk}": 2, "users?username=bob": 1,
        f"users/{bob.pk}/state": 1, f"users/profiles?ids={bob.pk}": 2, f"posts/{post.pk}": 2, f"posts?ids={post.pk}": 2,
        f"users/{alice.pk}/posts": 2, f"posts/{post.pk}/comments": 2, "users/me/sessions": 2, "users/search?q=bob": 1,
    }.items():  # fmt: skip
        for _ in range(2):  # from the database, and from the cache
            found = TIME.findall(api.get(address, by=tokens["access"]).bytes.decode())
            assert found == [SHOWN] * times, address
    for address in (f"users?ids={bob.pk}", f"users/profiles?ids={bob.pk}", "users?username=bob"):
        assert api.get(address, by=alice).json["results"][0]["bio"] == TEXTS[0]
    (shown,) = api.get(f"posts?ids={post.pk}", by=alice).json["results"]
    assert (shown["text"], shown["author"]["bio"], "hidden" in shown) == (TEXTS[0], TEXTS[0], False)
    assert api.get(f"users/{alice.pk}/state", by=alice).json["last_seen_at"] is None


def test_answers_with_many_times_take_no_second_look(api, alice, bob, whole_seconds, monkeypatch):
    """Data from elsewhere has no fractions: the second look costs five times the answer."""
    monkeypatch.setattr(HitRate, "is_paused", lambda self, questions: False)  # as other tests may have left it
    User.objects.update(bio="")
    Post.objects.update(text="x")
    addresses = [
        f"users?ids={alice.pk},{bob.pk}", f"users/profiles?ids={bob.pk}", f"users/{bob.pk}/state",
        f"posts?ids={whole_seconds.pk}", f"users/{alice.pk}/posts", f"posts/{whole_seconds.pk}/comments", "feed",
    ]  # fmt: skip
    for _ in range(2):  # from the database, and from the cache, whose rows are remembered with their JSON
        expected = [api.get(each, by=alice).bytes for each in addresses]
    assert all(SHOWN.encode() in each for each in expected)
    monkeypatch.setattr("api.json._with_fractions", lambda data: 1 / 0)
    for address, shown in zip(addresses, expected, strict=True):
        assert api.get(address, by=alice).bytes == shown


def test_writes_and_popups(api, alice):
    shape = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
    for answer in (
        api.patch("users/me", {"city": "X"}, by=alice), api.patch("users/me/state", {}, by=alice),
        api.post("posts", {"text": "Hi"}, by=alice), api.get("popups/next?placement=home", by=alice),
    ):  # fmt: skip
        found = TIME.findall(answer.bytes.decode())
        assert found
        assert all(map(shape.fullmatch, found)), found


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_not_times(text):
    for data in (text, [text], {"a": text, "b": WHOLE}, {text: WHOLE}):
        found = msgspec.json.decode(encoded(data))
        assert found == msgspec.json.decode(msgspec.json.encode(data)) or found["b" if "b" in data else text] == SHOWN
    assert msgspec.json.decode(encoded({"a": text, "b": WHOLE}))["a"] == text


def test_kinds_of_values():
    other = WHOLE.astimezone(datetime.timezone(datetime.timedelta(hours=8)))
    row = msgspec.defstruct("Row", [("at", datetime.datetime), ("n", int)])(WHOLE, 1)
    data = {
        "row": row,
        "rows": [row],
        "none": None,
        "date": WHOLE.date(),
        7: WHOLE,
        "tuple": (1, WHOLE),
        "other": other,
    }
    plain = msgspec.json.decode(encoded(data))
    expected = {"at": SHOWN, "n": 1}
    assert plain == {
        "row": expected, "rows": [expected], "none": None, "date": "2024-05-06", "7": SHOWN, "tuple": [1, SHOWN],
        "other": SHOWN,
    }  # fmt: skip
    assert encoded(WHOLE.replace(microsecond=120000)) == b'"2024-05-06T07:08:09.120000Z"'

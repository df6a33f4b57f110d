"""Longer texts: what is refused, what is kept, and in which form, in the API and the admin alike."""

import time

import pytest

from posts.models import Comment, Post
from ratings.models import Item
from tests.support.admin_actions import form_of

pytestmark = pytest.mark.django_db(transaction=True)


def edit_post(root, post_id: int, text: str):
    """Send the form of a post with another text; return the page, or the redirect if it was saved."""
    return root.post(f"/admin/posts/post/{post_id}/change/", {"text": text, "state": Post.State.SHOWN})


INVISIBLE = {
    "zero width space": "\u200b",
    "Hangul filler": "\u3164",
    "blank of Braille": "\u2800",
    "soft hyphen": "\u00ad",
    "jamo filler": "\u115f\u1160",
    "halfwidth filler": "\uffa0",
    "joiners": "\u200c\u200d",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "variation selector": "\ufe0f",
    "object": "\ufffc",
    "mark": "\u0301",
    "isolates": "\u2068\u2069",
    "marks of direction": "\u200e\u200f",
    "several": "\u200b \n\u3164\t\u00a0",
    "grapheme joiner": "\u034f",
    "Mongolian": "\u180e",
    "null notehead": "\U0001d159",
}
REFUSED = {
    "tags": "\U000e0048\U000e0069",
    "tags after text": "a\U000e0048\U000e0069",
    "nul": "a\0b",
    "escape": "a\x1b[31mb",
    "bell": "a\x07",
    "c1": "a\x9bb",
    "form feed": "a\x0cb",
    "override": "a\u202eb\u202c",
    "left override": "a\u202db\u202c",
    "open isolate": "a\u2067b",
    "closed isolate": "a\u2069b",
    "isolate over lines": "a\u2067b\nc\u2069",
    "crossed": "\u2067a\u202ab\u2069c\u202c",
    "private use": "a\ue000",
    "noncharacter": "a\uffff",
    "unassigned": "a\u0378",
    "flood of marks": "Z" + "\u0301\u0327\u0323" * 4,
    "flood of nothing": "a" + "\u200b" * 9,
    "annotation": "a\ufff9b",
    "deprecated": "a\u206ab",
    "language tag": "a\U000e0001",
}
KEPT = [
    "two\nlines\tand a tab",
    "e\u00a0:\u3000x",
    "שלום \u2066(abc)\u2069 שלום",
    "\u202babc\u202c",
    "auf\u00adlage \u200bx",
    "می\u200cخواهم क्\u200dष",
    "👨\u200d👩\u200d👧",
    "⠓⠑⠇⠇⠕⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠺⠕⠗⠇⠙",
    "a\u200fb",
    "x\u2067a\u2066b\u2069c\u2069",
]


@pytest.mark.sampled
@pytest.mark.parametrize("text", [*INVISIBLE.values(), *REFUSED.values()], ids=[*INVISIBLE, *REFUSED])
def test_is_refused_everywhere(api, root, alice, text):
    post = api.post("posts", {"text": "Hello"}, by=alice).json["id"]
    item = api.post("ratings", {"title": "Tea"}, by=alice).json["id"]
    bodies = {
        "posts": {"text": text},
        f"posts/{post}/comments": {"text": text},
        "ratings": {"title": text},
    }
    for path, body in bodies.items():
        assert api.post(path, body, by=alice).status == 400, path
    assert api.post("ratings", {"title": "Tea", "description": text}, by=alice).status == 400
    assert api.patch("users/me", {"bio": text}, by=alice).status == 400
    if "\0" not in text:
        assert set(edit_post(root, post, text).context["adminform"].form.errors) == {"text"}
        address = f"/admin/ratings/item/{item}/change/"
        assert root.post(address, {**form_of(root.get(address)), "title": text}).status_code == 200
        form = {**form_of(root.get("/admin/popups/popup/add/")), "starts_at_0": "2026-01-01", "starts_at_1": "00:00"}
        page = root.post("/admin/popups/popup/add/", {**form, "title": text, "body": text})
        assert {"title", "body"} <= set(page.context["adminform"].form.errors)
    assert (Post.objects.count(), Item.objects.count(), Comment.objects.count()) == (1, 1, 0)


@pytest.mark.sampled
@pytest.mark.parametrize("text", KEPT)
def test_is_kept_as_typed(api, root, alice, text):
    post = api.post("posts", {"text": text}, by=alice)
    assert (post.status, post.json["text"]) == (201, text)
    assert api.post(f"posts/{post.json['id']}/comments", {"text": text}, by=alice).json["text"] == text
    assert api.patch("users/me", {"bio": text}, by=alice).json["bio"] == text
    assert edit_post(root, post.json["id"], text + "!").status_code == 302
    assert Post.objects.get().text == text + "!"


def test_lines_and_letters_have_one_form(api, root, alice):
    typed, kept = "a\r\nb\rc\u2028d\u2029e\x85Rene\u0301", "a\nb\nc\nd\ne\nRené"
    post = api.post("posts", {"text": typed}, by=alice).json
    assert post["text"] == kept
    assert edit_post(root, post["id"], f"{typed}!").status_code == 302
    assert Post.objects.get().text == f"{kept}!"


def test_the_length_is_counted_in_the_kept_form(api, root, alice):
    text = "e\u0301\r\n" * 999 + "ab"
    post = api.post("posts", {"text": text}, by=alice)
    assert (post.status, len(post.json["text"])) == (201, 2_000)
    assert edit_post(root, post.json["id"], text[:-1] + "c").status_code == 302
    assert len(Post.objects.get().text) == 2_000
    assert api.post("posts", {"text": text + "c"}, by=alice).status == 400
    assert edit_post(root, post.json["id"], text + "c").status_code == 200
    astral = api.post("posts", {"text": "😀" * 2_000}, by=alice)
    assert (astral.status, Post.objects.get(pk=astral.json["id"]).text) == (201, "😀" * 2_000)


def test_a_moderator_hides_a_post_whose_older_text_is_against_the_rules(root, alice):
    post = Post.objects.create_one(author_id=alice.pk, text="a\u202eb\x1b\r\nc")
    address = f"/admin/posts/post/{post.pk}/change/"
    form = form_of(root.get(address))
    assert root.post(address, {**form, "state": Post.State.HIDDEN}).status_code == 302
    assert Post.objects.values_list("state", flat=True).get() == Post.State.HIDDEN


def test_a_huge_text_is_refused_soon(api, alice):
    """The sort of marks in a normalisation takes time by the square of their number."""
    for text in ("a" + "\u0301\u0327" * 500_000, "\u2067" * 500_000, ("a" + "\u0301\u0327" * 4_000)[:8_000]):
        began = time.perf_counter()
        assert api.post("posts", {"text": text}, by=alice).status == 400
        assert time.perf_counter() - began < 1

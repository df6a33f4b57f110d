"""Ratings over HTTP: every field of the contract."""

import pytest

from ratings.models import HIGHEST, LOWEST, Item, Score

pytestmark = pytest.mark.django_db(transaction=True)
EMPTY = {str(score): 0 for score in range(LOWEST, HIGHEST + 1)}


def put(api, item, by, score):
    return api.put(f"ratings/{item.pk}/score", {"score": score}, by=by)


def test_an_item_is_made_and_read(api, alice, bob):
    answer = api.post("ratings", {"title": "茶馆", "description": "By the lake"}, by=alice)
    assert answer.status == 201
    assert answer.json == {
        "id": answer.json["id"],
        "title": "茶馆",
        "description": "By the lake",
        "score": None,
        "count": 0,
        "histogram": EMPTY,
        "my_score": None,
    }
    assert api.get(f"ratings/{answer.json['id']}", by=bob).json == answer.json
    assert api.get(f"ratings?ids=99,{answer.json['id']}", by=bob).json == {"results": [answer.json], "missing": [99]}
    assert api.post("ratings", {"title": "No more"}, by=alice).json["description"] == ""


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": ""},
        {"title": 1},
        {"title": "x" * 201},
        {"title": "x", "description": None},
        {"title": "x", "a": 1},
    ],
)
def test_bad_items(api, alice, body):
    assert api.post("ratings", body, by=alice).status == 400
    assert not Item.objects.exists()


def test_scores_make_the_average_and_the_histogram(api, alice, bob, carol, item):
    put(api, item, alice, 5)
    put(api, item, bob, 10)
    found = put(api, item, carol, 10).json
    assert (found["score"], found["count"], found["my_score"]) == (8.33, 3, 10)
    assert found["histogram"] == {**EMPTY, "5": 1, "10": 2}
    found = put(api, item, alice, 1).json  # 5 → 1: sum −4, count unchanged
    assert (found["score"], found["count"], found["my_score"]) == (7.0, 3, 1)
    assert found["histogram"] == {**EMPTY, "1": 1, "10": 2}
    assert api.get(f"ratings/{item.pk}", by=bob).json == {**found, "my_score": 10}


def test_the_same_score_again_changes_nothing(api, alice, item):
    first = put(api, item, alice, 7)
    assert put(api, item, alice, 7).json == first.json
    assert Score.objects.count() == 1


def test_the_last_score_withdrawn_leaves_no_average(api, alice, bob, item):
    put(api, item, alice, 5)
    for by, status in ((bob, 200), (alice, 200), (alice, 200)):
        answer = api.delete(f"ratings/{item.pk}/score", by=by)
        assert answer.status == status
    assert (answer.json["score"], answer.json["count"], answer.json["histogram"]) == (None, 0, EMPTY)
    assert answer.json["my_score"] is None


@pytest.mark.parametrize("score", [0, 11, -1, 5.5, 5.0, True, "5", None, [], 10**30])
def test_what_is_no_score(api, alice, item, score):
    assert put(api, item, alice, score).status == 400
    assert not Score.objects.exists()


@pytest.mark.parametrize("body", [b'{"score": NaN}', b'{"score": Infinity}', b"{}", b"[]", b"5", b""])
def test_what_is_no_body(api, alice, item, body):
    assert api.put(f"ratings/{item.pk}/score", body, by=alice).status == 400
    assert not Score.objects.exists()


def test_unknown_and_bad_ids(api, alice):
    for method, address in (("GET", "ratings/{}"), ("PUT", "ratings/{}/score"), ("DELETE", "ratings/{}/score")):
        body = {"score": 5} if method == "PUT" else None
        assert api.request(method, address.format(99), body, by=alice).status == 404
        assert api.request(method, address.format("x"), body, by=alice).status == 400

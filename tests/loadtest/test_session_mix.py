"""A session makes the requests of its weights, and uses what the answers said."""

import random
from collections import Counter

import pytest

from loadtest.load.session_mix import WEIGHTS, Session, Sources
from loadtest.load.zipf import FEED_LARGEST, FEED_SMALLEST, Zipf

SESSIONS, ME = 4_000, 3


@pytest.fixture
def sources() -> Sources:
    return Sources(*(Zipf(range(1, 101), seed=number) for number in range(4)))


def played(sources, source, answers):
    """Play a session; `answers` are documents by kind of request."""
    play = Session(ME, sources, source).play()
    requests = [next(play)]
    try:
        while True:
            requests.append(play.send(answers.get(requests[-1].kind)))
    except StopIteration:
        return requests


def test_the_kinds_of_requests_have_their_weights(sources):
    source, answers = random.Random(1), {"popups/next": {"popup": {"id": 5, "claim": "c"}}}
    kinds = Counter(request.kind for _ in range(SESSIONS) for request in played(sources, source, answers))
    assert sum(WEIGHTS.values()) == pytest.approx(15.7)
    for kind, weight in WEIGHTS.items():
        assert kinds[kind] / SESSIONS == pytest.approx(weight, abs=0.03)


def test_ids_are_as_many_as_a_page_has_and_nobody_follows_himself(sources):
    source, lengths = random.Random(2), Counter()
    for _ in range(500):
        for request in played(sources, source, {}):
            assert request.path != f"users/{ME}/follow"
            if request.kind == "favorites/check":
                lengths[request.path.count(",") + 1] += 1
    assert (min(lengths), max(lengths)) == (FEED_SMALLEST, FEED_LARGEST)


def test_the_second_page_of_the_feed_is_the_link_of_the_first(sources):
    answers = {"feed": {"next": "https://api.example.com/api/v1/feed?cursor=abc"}}
    requests = played(sources, random.Random(1), answers)
    assert [request.path for request in requests if request.kind == "feed"] == ["feed", "feed?cursor=abc"]
    requests = played(sources, random.Random(1), {"feed": {"next": None}})
    assert [request.path for request in requests if request.kind == "feed"] == ["feed", "feed"]


def test_an_event_has_the_claim_of_the_popup(sources):
    answers = {"popups/next": {"popup": {"id": 5, "claim": "abc"}}}
    sessions = [played(sources, random.Random(number), answers) for number in range(100)]
    with_event = [requests for requests in sessions if requests[-1].kind == "popups/{id}/events"]
    assert 0 < len(with_event) < 30
    for requests in sessions:
        placement = "offer" if requests in with_event else "home"
        assert requests[0].path.startswith(f"popups/next?placement={placement}&")
    assert with_event[0][-1][1:] == ("POST", "popups/5/events", {"claim": "abc", "type": "dismiss"})
    assert not any(
        request.kind == "popups/{id}/events"
        for number in range(100)
        for request in played(sources, random.Random(number), {"popups/next": {"popup": None}})
    )

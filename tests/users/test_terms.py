"""Search terms of a text, without a database."""

import pytest

from users.terms import MOST_TERMS, TERM_LENGTH, Part, contains, parse, terms_of

pytestmark = pytest.mark.django_db(transaction=True)  # for the fixtures; no test here uses a database


def test_terms_of_a_name():
    words = {"zoe", "王", "小", "明", "王小", "小明"}
    assert terms_of("Ann_B.1", "Zoë 王小明") == {"@ann_b.1", "ann_b.1", "=zoe 王小明", *words}
    assert terms_of("x", "J.Smith!") == {"@x", "x", "=j.smith", "j.smith", "j", "smith"}
    assert terms_of("x", "") == {"@x", "x"}
    assert terms_of("Bob", "BOB") == {"@bob", "bob"}  # the username comes first anyway


def test_terms_are_bounded():
    terms = terms_of("a" * 30, "ﷺ" * 64)  # one character that is normalised to eighteen
    assert len(terms) <= MOST_TERMS
    assert all(len(term) <= TERM_LENGTH for term in terms)
    assert all(len(term) <= TERM_LENGTH for term in terms_of("x", "㍿" * 10 + "w" * 64))


@pytest.mark.parametrize(
    ("q", "parts"),
    [
        ("Al", [Part("al", True)]),
        ("ＡＬ", [Part("al", True)]),
        ("王", [Part("王", False)]),
        ("王小明", [Part("王小", False), Part("小明", False)]),
        ("王 alice", [Part("alice", True), Part("王", False)]),
        ("a 王小", [Part("王小", False), Part("a", True)]),
        ("a A a", [Part("a", True)]),
        ("! ?", []),
    ],
)
def test_queries(q, parts):
    assert parse(q).parts == parts


def test_every_substring_of_a_name_is_asked_with_terms_that_the_name_has():
    nickname = "小明 Wang🦊子涵ﾜﾝ"
    terms = terms_of("x", nickname)
    for start in range(len(nickname)):
        for end in range(start + 1, len(nickname) + 1):
            query = parse(nickname[start:end])
            if not nickname[start:end].isascii() and "Wang"[1:] not in nickname[start:end][:4]:
                assert contains(nickname, query.substrings)
            for part in query.parts:
                if not part.prefix:
                    assert part.text in terms

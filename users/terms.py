"""The search terms of users, and the parsing of search queries.

Letters that have case, digits, "_" and "." form words. In other meaningful text (Chinese and other scripts without
case, their vowel signs, emoji) single characters and pairs are terms, so that any substring can be found by its pairs.
Whole names are terms as well, behind a sign that no word has. Names and queries are folded (users/folding.py).
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from users.folding import fold
from users.usernames import BEGINNING

VERSION = 2  # of the terms: increase it when terms_of() or fold() returns other terms, see users/reindexing.py
SEARCHED = frozenset({"username", "nickname", "is_active"})  # the columns that determine the terms
TERM_LENGTH = 64
MOST_TERMS = 200
USERNAME_SIGN, NICKNAME_SIGN = "@", "="
CHARACTER_CATEGORIES = {"Lo", "Lm", "Mn", "Mc", "So", "Nl"}
_INNER_WORDS = re.compile(r"[._]+")


class Part(NamedTuple):
    """One condition of a query: a term that equals `text`, or starts with it if `prefix` is true."""

    text: str
    prefix: bool


class Query(NamedTuple):
    """A parsed query: a user must match all parts, and the folded nickname must contain all `substrings`.

    `nickname` and `username` are the terms of users who are called exactly so; "" if nobody can be.
    """

    parts: list[Part]
    substrings: list[str]
    nickname: str = ""
    username: str = ""


def terms_of(username: str, nickname: str) -> set[str]:
    """Return the first MOST_TERMS terms of a user, each cut to TERM_LENGTH characters."""
    folded, runs = fold(username), list(_runs(nickname))
    terms = {f"{USERNAME_SIGN}{folded}"[:TERM_LENGTH]: None, folded[:TERM_LENGTH]: None}
    if (whole := _whole(runs)) != f"{NICKNAME_SIGN}{folded}":
        terms[whole] = None
    for run, is_word in runs:
        found = _words(run) if is_word else [*run, *_pairs(run)]
        terms.update(dict.fromkeys(term[:TERM_LENGTH] for term in found))
    terms.pop("", None)
    return set(list(terms)[:MOST_TERMS])


def parse(text: str) -> Query:
    """Parse a query into distinct parts, in the order of their probable selectivity; none if the text has no words."""
    parts: dict[Part, None] = {}
    substrings = []
    runs = list(_runs(text))
    for run, is_word in runs:
        if is_word:
            parts[Part(run[:TERM_LENGTH], prefix=True)] = None
        else:
            substrings.append(run)
            parts.update(dict.fromkeys(Part(term, prefix=False) for term in _pairs(run) or [run]))
    username = runs[0][0] if len(runs) == 1 and BEGINNING.fullmatch(runs[0][0]) else ""
    ordered = sorted(parts, key=_selectivity, reverse=True)
    return Query(ordered, substrings, _whole(runs), username and f"{USERNAME_SIGN}{username}")


def contains(nickname: str, substrings: list[str]) -> bool:
    """Return whether a nickname contains all substrings, whose pairs of characters it may have in separate places."""
    if not substrings:
        return True
    text = fold(nickname)
    return all(substring in text for substring in substrings)


def _whole(runs: list[tuple[str, bool]]) -> str:
    """Return the term of a whole nickname; "" for one that is too long to be told from another, or has no words."""
    text = NICKNAME_SIGN + " ".join(run for run, _ in runs)
    return text if 1 < len(text) <= TERM_LENGTH else ""


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the maximal runs of word characters (True) and of single characters (False); other characters separate."""
    run, kind = "", ""
    for character in fold(text):
        new_kind = _kind(character)
        if new_kind != kind:
            if kind:
                yield run, kind == "word"
            run, kind = "", new_kind
        run += character
    if kind:
        yield run, kind == "word"


def _kind(character: str) -> str:
    if character in "._":
        return "word"
    category = unicodedata.category(character)
    if category in CHARACTER_CATEGORIES:
        return "characters"
    return "word" if category[0] == "L" or category[0] == "N" else ""


def _words(run: str) -> list[str]:
    """Return a word and its parts: "j.smith", "j" and "smith"."""
    return [run, *_INNER_WORDS.split(run)]


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _selectivity(part: Part) -> int:
    """Return an estimate: one Chinese character is about as selective as two letters."""
    return len(part.text) if part.prefix else 2 * len(part.text) + 1

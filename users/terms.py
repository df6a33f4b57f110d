"""Under which terms a user is found, and what a query asks of them.

Letters that have case, digits, "_" and "." form words. Everything else that carries meaning (Chinese and other
scripts without case, their marks, emoji) is taken character by character: single characters and pairs are terms, so
that any substring can be looked up by its pairs. Text is NFKC-normalised and casefolded on both sides.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

SEARCHED = frozenset({"username", "nickname", "is_active"})  # the columns that terms follow from
TERM_LENGTH = 64
MOST_TERMS = 200
CHARACTER_CATEGORIES = {"Lo", "Lm", "Mn", "Mc", "So", "Nl"}
_INNER_WORDS = re.compile(r"[._]+")


class Part(NamedTuple):
    """One demand of a query: a term that equals `text`, or (`prefix`) begins with it."""

    text: str
    prefix: bool


class Query(NamedTuple):
    """A user must match all parts, and the normalised nickname must contain all `substrings`."""

    parts: list[Part]
    substrings: list[str]


def normal(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def terms_of(username: str, nickname: str) -> set[str]:
    """At most MOST_TERMS terms of at most TERM_LENGTH characters; the first ones of an overlong nickname."""
    terms = {normal(username)[:TERM_LENGTH]: None}
    for run, is_word in _runs(nickname):
        found = _words(run) if is_word else [*run, *_pairs(run)]
        terms.update(dict.fromkeys(term[:TERM_LENGTH] for term in found))
    terms.pop("", None)
    return set(list(terms)[:MOST_TERMS])


def parse(text: str) -> Query:
    """Parts without duplicates, the most selective first as far as their shape tells; none if nothing is asked."""
    parts: dict[Part, None] = {}
    substrings = []
    for run, is_word in _runs(text):
        if is_word:
            parts[Part(run[:TERM_LENGTH], prefix=True)] = None
        else:
            substrings.append(run)
            parts.update(dict.fromkeys(Part(term, prefix=False) for term in _pairs(run) or [run]))
    return Query(sorted(parts, key=_selectivity, reverse=True), substrings)


def contains(nickname: str, substrings: list[str]) -> bool:
    """Pairs may match in other places than side by side; this is the exact question."""
    text = normal(nickname)
    return all(substring in text for substring in substrings)


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Maximal runs of word characters (True) and of single characters (False); the rest separates."""
    run, kind = "", ""
    for character in normal(text):
        its_kind = _kind(character)
        if its_kind != kind:
            if kind:
                yield run, kind == "word"
            run, kind = "", its_kind
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
    """ "j.smith" is found as a whole, and as "j" and "smith"."""
    return [run, *_INNER_WORDS.split(run)]


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _selectivity(part: Part) -> int:
    """Letters are few and words are long; one Chinese character says about as much as two letters."""
    return len(part.text) if part.prefix else 2 * len(part.text) + 1

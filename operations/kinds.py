"""The words by which operators ask for an entry of any kind, and the entry that they lead to.

users.User 7                 a row by primary key; `user 7` will do
users.User username=alice    where a unique lookup leads
newest_posts of user 7       what is derived for an owner; `posts of 7` asks which kind is meant, if there are several
is 7 following 9             whether a set has an id; also `following of 7 has 9`
my_scores of 7 for 3         what an edge says
counters of user 7           the counters of a target; also `user:7`
"""

import contextlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from django.core.exceptions import ValidationError

from caching.operate import Kind, Question, kinds
from counters.api import counter_kinds

IS = re.compile(r"is\s+(?P<owner>\S+)\s+(?P<name>[\w.]+)\s+(?P<member>\S+?)\??")
COUNTERS = re.compile(r"(?:counters\s+of\s+(?P<kind>\w+)\s+|(?P<target>\w+):)(?P<id>\S+)")
OF = re.compile(
    r"(?P<name>[\w.]+)\s+of\s+(?:(?P<type>[A-Za-z]\w*)\s+)?(?P<owner>\S+)(?:\s+(?:has|for|to)\s+(?P<member>\S+))?"
)
BY = re.compile(r"(?P<name>[\w.]+)\s+(?:by\s+)?(?P<column>\w+)\s*[= ]\s*(?P<value>\S.*)")
ROW = re.compile(r"(?P<name>[\w.]+)\s+(?P<pk>\S.*)")


class Asked(NamedTuple):
    """An entry in words: its kind and what it is asked by."""

    kind: Kind
    texts: tuple[str, ...]

    def question(self) -> Question:
        """Return the entry; raises ValidationError for values of a wrong type."""
        return self.kind.question(*self.texts)

    def __str__(self) -> str:
        return in_words(self.kind, *self.texts)


class NotUnderstood(ValueError):
    """No kind of entry is asked for by these words; the message tells what can be asked."""


@cache
def all_kinds() -> dict[str, Kind]:
    """Return all kinds by label; call it once all applications are loaded."""
    return {kind.label: kind for kind in (*kinds(), *counter_kinds())}


def in_words(kind: Kind, *texts: str) -> str:
    """Return the words that lead to an entry, whatever other kinds there are."""
    first, *rest = texts
    if " by " in kind.label:
        return f"{kind.label} {first}"
    if kind.label.startswith("counters of ") or not hasattr(kind, "owner"):
        return f"{kind.label} {first}"
    return f"{kind.label} of {first}" + "".join(f" {'has' if kind.optional else 'for'} {each}" for each in rest)


def understood(words: str) -> list[Asked]:
    """Return the entries that words may mean, in most cases one; raises NotUnderstood."""
    words = " ".join(words.replace("\0", "").split())
    found = list(_found(words))
    if not found:
        raise NotUnderstood(
            f"No entry is asked for by {words!r}. Ask for one like {', '.join(_examples())}; all kinds are below."
        )
    return found


def _found(words: str) -> Iterator[Asked]:
    """Yield by the first form that fits and that some kind has a name for."""
    for form, meanings in ((COUNTERS, _counters), (IS, _sets), (OF, _derived), (BY, _lookups), (ROW, _rows)):
        if (match := form.fullmatch(words)) and (found := list(meanings(match))):
            yield from found
            return


def _counters(match: re.Match[str]) -> Iterator[Asked]:
    kind = all_kinds().get(f"counters of {match['kind'] or match['target']}")
    if kind:
        yield Asked(kind, (match["id"],))


def _sets(match: re.Match[str]) -> Iterator[Asked]:
    for kind in _named(match["name"]):
        if kind.optional:
            yield Asked(kind, (match["owner"], match["member"]))


def _derived(match: re.Match[str]) -> Iterator[Asked]:
    texts = tuple(text for text in (match["owner"], match["member"]) if text)
    for kind in _named(match["name"]):
        owner = getattr(kind, "owner", None)
        fits = len(kind.parameters) - kind.optional <= len(texts) <= len(kind.parameters)
        if owner and fits and match["type"] in (None, owner, f"{owner}s"):
            yield Asked(kind, texts)


def _lookups(match: re.Match[str]) -> Iterator[Asked]:
    for kind in all_kinds().values():
        model, by, column = kind.label.partition(" by ")
        if by and column == match["column"] and match["name"].lower() in _names(model):
            yield Asked(kind, (match["value"],))


def _rows(match: re.Match[str]) -> Iterator[Asked]:
    for kind in all_kinds().values():
        if not hasattr(kind, "owner") and " " not in kind.label and match["name"].lower() in _names(kind.label):
            yield Asked(kind, (match["pk"],))


def _named(name: str) -> Iterator[Kind]:
    """Yield the derived kinds of a name: of exactly this one, or else of models whose plural it is ("posts")."""
    derived = [kind for kind in all_kinds().values() if hasattr(kind, "owner")]
    exact = [kind for kind in derived if name.lower() in _names(kind.label)]
    yield from exact or (kind for kind in derived if name.lower() == _plural(kind))


def _names(label: str) -> set[str]:
    return {label.lower(), label.lower().rpartition(".")[2]}


def _plural(kind: Kind) -> str:
    return str(kind.declared.model._meta.verbose_name_plural)  # type: ignore[attr-defined]


def _examples() -> Iterable[str]:
    seen: set[type] = set()
    for kind in all_kinds().values():
        if type(kind) not in seen:
            seen.add(type(kind))
            yield f"“{in_words(kind, *(f'<{name}>' for name in kind.parameters))}”"


def of_key(key: str) -> str:
    """Return the words for a Redis key, as far as they are known; "" for one of no kind."""
    kind, end = _kind_of(key)
    return f"{kind.label}: {end}" if kind else ""


def leading_to(key: str) -> str:
    """Return the words that lead to the entry of a Redis key; "" where the key does not tell them."""
    kind, end = _kind_of(key)
    texts = kind.texts_of(end) if kind else []
    with contextlib.suppress(ValidationError, TypeError, ValueError):
        if kind and kind.question(*texts).key == key:
            return in_words(kind, *texts)
    return ""


def _kind_of(key: str) -> tuple[Kind | None, str]:
    """Return the kind of a Redis key, None if it is of none, and how the key ends."""
    for kind in sorted(all_kinds().values(), key=lambda kind: -max(map(len, kind.prefixes()))):
        for prefix in kind.prefixes():
            if key.startswith(prefix):
                return kind, key.removeprefix(prefix)
    return None, key

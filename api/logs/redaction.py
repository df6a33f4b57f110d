"""Removal of what clients have sent from texts that are logged, as errors quote it, passwords and tokens too."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, RawPostDataException, UnreadablePostError

REMOVED = "[removed]"
SHORTEST, SHORTEST_IN_WORDS = 3, 8
"""The length of values from which on they are removed; and from which on also out of the middle of a word."""
HEADERS = ("HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_IDEMPOTENCY_KEY", "HTTP_X_CSRFTOKEN", "HTTP_REFERER")
_WORD = re.compile(rf"[0-9A-Za-z]{{{SHORTEST_IN_WORDS},}}")
_SEPARATORS = re.compile(r"[\s,;=&\"']+")


def without(text: str, sent: Iterable[str]) -> str:
    """Return the text with each of the values in it replaced by REMOVED, also where it is quoted or escaped.

    Of values that were escaped several times, the long words are removed.
    """
    values = set(sent)
    spelt = {spelling for value in values for spelling in (value, repr(value)[1:-1], ascii(value)[1:-1])}
    spelt.update(word for value in values for word in _WORD.findall(value))
    for value in sorted((each for each in spelt if len(each) >= SHORTEST and each in text), key=len, reverse=True):
        if len(value) >= SHORTEST_IN_WORDS:
            text = text.replace(value, REMOVED)
        else:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", REMOVED, text)
    return text


def words_of(*texts: str) -> set[str]:
    """Return texts, and the words between their separators."""
    return {*texts, *(word for text in texts for word in _SEPARATORS.split(text))}


def sent_in(request: HttpRequest) -> set[str]:
    """Return the values in the query, the body, and those headers of a request that may be secret."""
    found = words_of(*(request.META.get(name, "") for name in HEADERS), request.META.get("QUERY_STRING", ""))
    found.update(value for _, value in parse_qsl(request.META.get("QUERY_STRING", "")))
    return found.union(_in_body(request))


def _in_body(request: HttpRequest) -> Iterator[str]:
    try:
        body = request.body.decode(errors="replace")
    except (RawPostDataException, UnreadablePostError, RequestDataTooBig):  # as it was read from the stream already
        for values in vars(request).get("_post", {}).values():
            yield from [values] if isinstance(values, str) else values
        return
    yield body
    try:
        yield from _leaves(json.loads(body))
    except (ValueError, RecursionError):
        yield from (value for _, value in parse_qsl(body))
        yield from words_of(body)


def _leaves(document: Any) -> Iterator[str]:
    """Yield the values in a JSON document, not its names."""
    if isinstance(document, dict | list):
        for inner in document.values() if isinstance(document, dict) else document:
            yield from _leaves(inner)
    elif document is not None and not isinstance(document, bool):
        yield str(document)

"""One entry beside the database: what is cached, what is stored, and whether they agree."""

from typing import Any, NamedTuple

from caching.operate import OFF, Kind, Question, RowKind, Sighting, conf, load, server_of, sight
from counters.api import CounterKind, counted
from operations.kinds import Asked
from operations.masking import masked
from operations.sources import Answer, Call, ask, gather
from operations.text import duration, size

ATTEMPTS = 3
MOST_SHOWN = 50  # ids of a set or a list
STATES = {
    "absent": "absent: the next reader loads it",
    "lease": "a reader is loading it",
    "old run": "filled in another run of Redis: counts as absent",
    "value": "a value",
}


class Line(NamedTuple):
    """One part of what an entry and the database say, masked where it is personal."""

    name: str
    cached: str
    stored: str
    is_different: bool


class Found(NamedTuple):
    """All that is known of an entry; `verdict`: good if entry and database agree, "" if nothing can be compared."""

    words: str
    key: str
    facts: list[tuple[str, str]]
    lines: list[Line]
    verdict: str
    text: str


def look_up(asked: Asked) -> Found:
    """Return an entry beside the database, within the time limits; raises ValidationError for a wrong value."""
    kind, question = asked.kind, asked.question()
    answers = gather(
        {
            f"cached {question.key}": Call("redis", lambda: (server_of(question.key), sight(kind, question))),
            f"stored {question.key}": Call("database", lambda: load(question)),
            f"counted {question.key}": Call("database", lambda: _counted(asked)),
        }
    )
    cached, stored, rows = answers.values()
    if _both_there(cached, stored) and kind.differences(question, cached.value[1].value, stored.value):
        compared = ask(f"compared {question.key}", Call("both", lambda: _compared(kind, question)))
        if compared.value:
            (server, _), (sighting, value) = cached.value, compared.value
            cached, stored = cached._replace(value=(server, sighting)), stored._replace(value=value)
    return _found(asked, question, cached, stored, rows)


def _counted(asked: Asked) -> dict[str, int]:
    return counted(asked.kind.target, int(asked.texts[0])) if isinstance(asked.kind, CounterKind) else {}


def _both_there(cached: Answer, stored: Answer) -> bool:
    return bool(cached.value and cached.value[1].is_usable and not stored.error)


def _compared(kind: Kind, question: Question) -> tuple[Sighting, Any]:
    """Return an entry and the row that belong together: a write between the two reads has changed the entry by then."""
    before, stored = sight(kind, question), load(question)
    for _ in range(ATTEMPTS):
        after = sight(kind, question)
        if after.seen.value == before.seen.value:
            break
        before, stored = after, load(question)
    return before, stored


def _found(asked: Asked, question: Question, cached: Answer, stored: Answer, rows: Answer) -> Found:
    lines = _lines(asked.kind, question, cached, stored)
    verdict, text = _verdict(cached, stored, lines)
    if rows.value:
        truths = ", ".join(f"{name}={number:,}" for name, number in rows.value.items())
        verdict, text = "bad", f"The counters have drifted from the rows, which say: {truths}. Reconcile them."
    return Found(str(asked), question.key, list(_facts(cached, stored)), lines, verdict, text)


def _verdict(cached: Answer, stored: Answer, lines: list[Line]) -> tuple[str, str]:
    if not conf().enabled:
        return "", OFF
    if cached.error:
        return "bad", f"Redis cannot be asked. {cached.error}"
    if stored.error:
        return "bad", f"The database cannot be asked. {stored.error}"
    if not cached.value[1].is_usable:
        return "", "There is nothing to compare: a reader would ask the database."
    if different := [line.name for line in lines if line.is_different]:
        return "bad", f"The entry and the database differ: {', '.join(different)}. Drop the entry."
    return "good", "The entry and the database agree."


def _facts(cached: Answer, stored: Answer) -> Any:
    if cached.value:
        server, (seen, idle_s, is_usable, _) = cached.value
        state = f"held by {seen.writers} writers: readers ask the database" if seen.state == "hold" else None
        if seen.state == "value" and not is_usable:
            state = "of another version, or incomplete: counts as absent"
        yield "State", state or STATES[seen.state]
        yield "Server", server
        if seen.state != "absent":
            yield "Expires in", duration(seen.life_ms / 1_000)
            yield "Size", size(seen.size) if seen.size else "–"
            yield "Last read", "–" if idle_s is None else f"{duration(idle_s)} ago"
    if not stored.error:
        yield "Database", f"answered in {stored.took_ms:.1f} ms"


def _lines(kind: Kind, question: Question, cached: Answer, stored: Answer) -> list[Line]:
    sighting = cached.value[1] if cached.value else None
    has_value = sighting is not None and sighting.is_usable
    one = kind.plain(question, sighting.value) if sighting and has_value else {}
    other = {} if stored.error else kind.plain(question, stored.value)
    different: list[str] = []
    if has_value and not stored.error and sighting:
        different = kind.differences(question, sighting.value, stored.value)
    names = sorted({**one, **other}, key=lambda name: name not in different)  # what differs comes first
    lines = [Line(name, _shown(kind, name, one), _shown(kind, name, other), name in different) for name in names]
    extra = [name for name in different if name not in names]  # ids of a set
    return [*lines, *(Line(name, *_sides(name, one, other), True) for name in extra[:MOST_SHOWN])]


def _sides(name: str, one: Any, other: Any) -> tuple[str, str]:
    first, second = ("yes" if int(name) in each.get("ids", ()) else "no" for each in (one, other))
    return first, second


def _shown(kind: Kind, name: str, values: Any) -> str:
    if name not in values:
        return "–"
    value = values[name]
    if isinstance(kind, RowKind):
        return masked(kind.model, name, value)
    if isinstance(value, list):
        more = f" … of {len(value):,}" if len(value) > MOST_SHOWN else ""
        return (", ".join(map(str, value[:MOST_SHOWN])) or "none") + more
    return str(value)

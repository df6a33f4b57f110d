"""The declaration of counters, beside the rows that they are derived from."""

import re

from django.core.exceptions import ImproperlyConfigured

from counters import direct_edits, registry, signals
from counters.aggregates import CountOf

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


class CounterSet:
    """Declares counters of a kind of target; several applications may declare counters of one kind.

    Create it in `AppConfig.ready()`. Raises ImproperlyConfigured for a name that is invalid or declared twice.
    """

    def __init__(self, kind: str, **counters: CountOf) -> None:
        for name in (kind, *counters):
            if not _NAME.fullmatch(name):
                raise ImproperlyConfigured(f"{name!r} names no counter: use a-z, digits and _, at most 32.")
        for name, counter in counters.items():
            registry.add(kind, name, counter)
            signals.watch(counter.model)
            direct_edits.watch(counter.model)

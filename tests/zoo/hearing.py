"""Receivers that note which signals they are sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import Model, signals


@contextmanager
def hearing(sender: type[Model], note: Callable[..., tuple[Any, ...]], *names: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield a list of (name, *note(**what a receiver is told)), of each of these signals that a model sends."""
    heard: list[tuple[Any, ...]] = []
    receivers = {
        getattr(signals, name): lambda *, name=name, **told: heard.append((name, *note(**told))) for name in names
    }
    for signal, receiver in receivers.items():
        signal.connect(receiver, sender=sender)
    try:
        yield heard
    finally:
        for signal, receiver in receivers.items():
            signal.disconnect(receiver, sender=sender)

"""Models that a test declares and that are forgotten after it, with their entries in the registry of the cache."""

from collections.abc import Iterator

import pytest
from django.test.utils import isolate_apps

from caching import registry


@pytest.fixture
def misdeclared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test declare cached models of the application `zoo`, wrong ones too."""
    known = {model: list(declarations) for model, declarations in registry._declarations.items()}
    monkeypatch.setattr(registry, "_models", list(registry._models))
    monkeypatch.setattr(registry, "_declarations", known)
    with isolate_apps("tests.zoo"):
        yield
    monkeypatch.undo()
    registry.heard.cache_clear()

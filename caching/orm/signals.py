"""Every cached model declares the entries of its rows as soon as Django has prepared its class."""

from typing import Any

from django.db.models import signals

from .. import registry
from ..entries.lookup import CachedRows
from ..options import Cached
from ..writing.declarations import declare, watch
from .options import HoldingOptions


def prepare(*, sender: Any, **_: Any) -> None:
    """Declare the entries of a cached model, and follow the writes of a model with whose rows entries are made."""
    if hasattr(sender, "queryset_class"):
        sender._meta.__class__ = HoldingOptions
    is_new = isinstance(getattr(sender, "cached", None), Cached) and registry.register(sender)
    if is_new and not sender._meta.proxy:  # a proxy writes the rows of its concrete model, which has declared them
        declare(sender, CachedRows(sender))
    registry.heard.cache_clear()
    if registry.heard(sender):
        watch(sender)


signals.class_prepared.connect(prepare, dispatch_uid="caching.orm.signals")

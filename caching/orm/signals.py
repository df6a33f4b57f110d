"""Every cached model declares the entries of its rows as soon as Django has prepared its class."""

from typing import Any

from django.db.models import signals

from .. import registry
from ..entries.lookup import CachedRows
from ..options import Cached
from ..writing.declarations import declare, watch


def _register(*, sender: Any, **_: Any) -> None:
    if not isinstance(getattr(sender, "cached", None), Cached):
        return
    registry.register(sender)
    if sender._meta.proxy:  # writes the rows of its concrete model, which has declared them
        watch(sender)
    else:
        declare(sender, CachedRows(sender))


signals.class_prepared.connect(_register, dispatch_uid="caching.orm.signals")

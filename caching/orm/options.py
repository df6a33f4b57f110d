"""The base manager of models whose writes must be heard: Django updates related rows through it."""

from functools import cached_property
from typing import Any

from django.db.models import Manager
from django.db.models.options import Options


class HoldingOptions(Options):  # type: ignore[type-arg]
    """Options of a model whose base manager leaves out no row and holds what it writes, unless the model names one.

    The model's attribute `queryset_class` is the class of the base manager's QuerySets.
    """

    @cached_property
    def base_manager(self) -> Any:
        manager: Any = super().base_manager
        if manager.name == "_base_manager":
            model: Any = self.model
            own: Any = Manager.from_queryset(model.queryset_class)()
            own.name, own.model, own.auto_created = manager.name, model, True
            return own
        return manager

"""Django application of the cache framework."""

from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import class_prepared, post_migrate, pre_migrate

from .conf import conf

if missing := [name for name in ("django_redis", "hiredis", "msgspec", "tqdm") if find_spec(name) is None]:
    raise ImproperlyConfigured(
        f"caching needs {', '.join(missing)}: run `pip install django-redis hiredis msgspec tqdm`."
    )


class CachingConfig(AppConfig):
    """Configuration of the `caching` application; registers the system checks of cached models."""

    name = __package__  # the folder works under any import path
    label = "caching"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        _refuse_unknown_models()
        from . import checks  # noqa: F401  registers them
        from .ops import rewritten
        from .writing import deletion, saving

        deletion.install()
        saving.install()
        # As sender: once for each run, not once for each application of the project.
        pre_migrate.connect(rewritten.expect_migrations, sender=self)
        post_migrate.connect(rewritten.forget_database, sender=self)


def _cache_by_settings(*, sender: Any, **_: Any) -> None:
    """Cache the models of CACHING["MODELS"] as they are defined; their proxies and children get the managers."""
    if not conf().models or sender._meta.apps is not apps:  # such as the models of a migration
        return
    named = {label.lower(): options for label, options in conf().models.items()}
    ancestors = {base._meta.label_lower for base in sender.__mro__[1:] if hasattr(base, "_meta")}
    if sender._meta.label_lower in named:
        from .orm.by_settings import cache_model  # needs the models of this application

        cache_model(sender, named[sender._meta.label_lower])
    elif ancestors & named.keys():
        from .orm.by_settings import cache_managers

        cache_managers(sender)


# The folder's other modules can be imported once all applications are known; models are defined from then on.
class_prepared.connect(_cache_by_settings, dispatch_uid="caching.apps")


def _refuse_unknown_models() -> None:
    known = {model._meta.label_lower: model for model in apps.get_models(include_swapped=True)}
    for label in conf().models:
        model = known.get(label.lower())
        if model is None:
            raise ImproperlyConfigured(f'CACHING["MODELS"] names {label!r}, which is no model of INSTALLED_APPS.')
        if model._meta.swapped:
            raise ImproperlyConfigured(f'CACHING["MODELS"] names {label!r}: this project uses {model._meta.swapped}.')

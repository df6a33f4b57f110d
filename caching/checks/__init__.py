"""System checks: declarations that would leave entries stale, or leak what must not be cached, without a sign."""

from . import (  # noqa: F401  importing a module registers its checks
    backend,
    databases,
    declarations,
    managers,
    relations,
    secrets,
)

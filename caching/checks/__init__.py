"""System checks: declarations that would leave entries stale, or leak what must not be cached, without a sign."""

from . import backend, declarations, managers, relations, secrets  # noqa: F401  importing a module registers its checks

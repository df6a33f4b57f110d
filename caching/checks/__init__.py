"""System checks: declarations that would leave entries stale, or leak what must not be cached, without a sign."""

from . import declarations, managers, relations  # noqa: F401  importing a module registers its checks

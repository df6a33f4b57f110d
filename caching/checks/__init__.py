"""System checks: declarations that would leave entries stale, or leak what must not be cached, without a sign."""

from . import managers, relations  # noqa: F401  importing a module registers its checks
